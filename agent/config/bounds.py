"""The bounds of plain data from a configuration file, which keep its conversion short.

A small file can describe a structure that is deep, infinite or too large for any memory. YAML's aliases do so because
they repeat or contain a node.
"""

from __future__ import annotations

MAX_DEPTH = 24
MAX_VALUES = 50_000


class BoundsError(ValueError):
    """The data is too deep or too large."""

    def __init__(self) -> None:
        super().__init__(f"expected at most {MAX_DEPTH} levels of nesting and {MAX_VALUES} values, found more")


def check(data: object) -> None:
    """Refuse data that is too deep or too large. A value counts each time that it is referenced.

    Raises:
        BoundsError: A bound is exceeded.
    """
    rest = [(data, 0)]
    count = 0
    while rest:
        value, depth = rest.pop()
        count += 1
        if depth > MAX_DEPTH or count > MAX_VALUES:
            raise BoundsError
        if isinstance(value, dict):
            rest += [(inner, depth + 1) for inner in value.values()]
        elif isinstance(value, list | tuple | set):
            rest += [(inner, depth + 1) for inner in value]
