"""Which collectors a scrape asks for: `?collect[]=` and `?exclude[]=`, with node_exporter's meaning."""

from __future__ import annotations

from collections.abc import Sequence


class SelectionError(Exception):
    """The query asks for what there is not."""


def select(collect: Sequence[str], exclude: Sequence[str], known: Sequence[str]) -> frozenset[str]:
    """The names to ask: those of `collect` if there are any, else all that are known but those of `exclude`.

    Raises:
        SelectionError: A name is not known, or both were given.
    """
    if collect and exclude:
        raise SelectionError("collect[] and exclude[] cannot be combined; use one of them")
    strange = sorted({*collect, *exclude} - set(known))
    if strange:
        raise SelectionError(f"no such collector: {', '.join(strange)}; there are {', '.join(known)}")
    return frozenset(collect) or frozenset(known) - frozenset(exclude)
