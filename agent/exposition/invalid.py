"""What cannot be exposed: the error for it, how it is told, and the mending of text that UTF-8 cannot carry."""

from __future__ import annotations


class InvalidFamilyError(ValueError):
    """A collector gave something that cannot be exposed. The text says what was expected and what was found."""


def well_formed(text: str) -> str:
    r"""The text with each lone surrogate, as `os.fsdecode` makes them, as its escape in letters (`\udcff`)."""
    return text if text.isascii() else text.encode(errors="backslashreplace").decode()


def reason(problem: Exception) -> str:
    """What went wrong, in one line."""
    said = str(problem) if isinstance(problem, InvalidFamilyError) else f"{type(problem).__name__}: {problem}"
    return " ".join(said.split())
