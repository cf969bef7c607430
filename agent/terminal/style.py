"""Colours and characters that the terminal can show."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import TextIO

_MARKS = {
    "ok": ("[✓]", "[+]", "32"),
    "skipped": ("[-]", "[-]", "2"),
    "info": ("[i]", "[i]", "36"),
    "warning": ("[!]", "[!]", "33"),
}
_FAILURE = ("[✗]", "[x]", "31")

_DEFAULT_WIDTH, _LEAST_WIDTH, _MOST_WIDTH = 80, 40, 160


def harmless(text: str) -> str:
    """Escape control characters in untrusted text."""
    if text.isprintable():
        return text
    return "".join(it if it.isprintable() or it in " \t" else it.encode("unicode_escape").decode() for it in text)


@dataclass(frozen=True, slots=True)
class Terminal:
    """The capabilities of one output.

    Attributes:
        colour: True for ANSI colours: on a terminal, unless `NO_COLOR` is set.
        unicode: True if the output's encoding has the marks ✓ and ✗.
        width: The width in columns; that of the window on a terminal, else 80.
    """

    colour: bool
    unicode: bool
    width: int = _DEFAULT_WIDTH

    @classmethod
    def of(cls, stream: TextIO) -> Terminal:
        """Return the capabilities of `stream`."""
        colour = stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        columns = shutil.get_terminal_size().columns if stream.isatty() else _DEFAULT_WIDTH
        return cls(colour, "utf" in (stream.encoding or "").lower(), min(max(columns, _LEAST_WIDTH), _MOST_WIDTH))

    def shortened(self, text: str, width: int) -> str:
        """Cut the middle of a text that is wider than `width`, so that rows with a common start differ."""
        if len(text) <= width:
            return text
        mark = "…" if self.unicode else "~"
        end = (width - 1) // 2
        return f"{text[: width - 1 - end]}{mark}{text[len(text) - end :]}"

    def mark(self, severity: str) -> str:
        """Return the mark of a severity, of `ok` or of `skipped`."""
        fine, plain, code = _MARKS.get(severity, _FAILURE)
        return self._styled(fine if self.unicode else plain, code)

    def bold(self, text: str) -> str:
        """Style text as bold."""
        return self._styled(text, "1")

    def faint(self, text: str) -> str:
        """Style text as faint."""
        return self._styled(text, "2")

    def _styled(self, text: str, code: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self.colour else text
