"""The report of all problems of a configuration at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping


def refuse(problems: Mapping[str, object]) -> None:
    """Refuse a configuration that has problems.

    Args:
        problems: Each possible problem, and a true value if the configuration has it.

    Raises:
        ValueError: With one line for each problem.
    """
    found = [text for text, applies in problems.items() if applies]
    if found:
        raise ValueError("\n".join(found))


def check_all(*checks: Callable[[], None]) -> None:
    """Run all checks.

    Raises:
        ValueError: With the lines of every check that fails.
    """
    found: dict[str, object] = {}
    for check in checks:
        try:
            check()
        except ValueError as error:
            found[str(error)] = True
    refuse(found)
