"""What the terminal can show: colours only where someone looks, and only characters that it can encode."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TextIO

_MARKS = {"ok": ("[✓]", "[+]", "32"), "info": ("[i]", "[i]", "36"), "warning": ("[!]", "[!]", "33")}
_FAILURE = ("[✗]", "[x]", "31")


def harmless(text: str) -> str:
    """Text of others with its control characters written out, for a terminal obeys them."""
    if text.isprintable():
        return text
    return "".join(it if it.isprintable() or it in " \t" else it.encode("unicode_escape").decode() for it in text)


@dataclass(frozen=True, slots=True)
class Terminal:
    """How to write to one output.

    Attributes:
        colour: Whether to use ANSI colours: on a terminal, unless `NO_COLOR` is set.
        unicode: Whether the output's encoding has the marks ✓ and ✗.
    """

    colour: bool
    unicode: bool

    @classmethod
    def of(cls, stream: TextIO) -> Terminal:
        """What `stream` can show."""
        colour = stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        return cls(colour, "utf" in (stream.encoding or "").lower())

    def mark(self, severity: str) -> str:
        """The mark of a severity, or of `ok`."""
        fine, plain, code = _MARKS.get(severity, _FAILURE)
        return self._styled(fine if self.unicode else plain, code)

    def bold(self, text: str) -> str:
        """Text that stands out."""
        return self._styled(text, "1")

    def faint(self, text: str) -> str:
        """Text that stands back."""
        return self._styled(text, "2")

    def _styled(self, text: str, code: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self.colour else text
