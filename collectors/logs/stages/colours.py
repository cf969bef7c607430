"""Removes terminal colours, which hide times and levels from patterns. Pure."""

from __future__ import annotations

import re

_SEQUENCE = re.compile(r"(?:\x1b|#033)\[[0-9;:]*[A-Za-z]")
_MARKS = ("\x1b", "#033[")


def without_colours(text: str) -> str:
    """Return the text without the escape sequences of terminals, also those that syslog daemons wrote as `#033`."""
    return _SEQUENCE.sub("", text) if any(mark in text for mark in _MARKS) else text
