"""The error for invalid families, its text, and the repair of text that UTF-8 cannot encode."""

from __future__ import annotations

from collectors.plain_errors import unexpected


class InvalidFamilyError(ValueError):
    """A collector produced an invalid family. The text names the value expected and the value found."""


def well_formed(text: str) -> str:
    r"""Return the text with each lone surrogate, such as from `os.fsdecode`, as its escape (`\udcff`)."""
    return text if text.isascii() else text.encode(errors="backslashreplace").decode()


def reason(problem: Exception) -> str:
    """Return the error in one line."""
    said = str(problem) if isinstance(problem, InvalidFamilyError) else unexpected(problem)
    return " ".join(said.split())
