"""Cuts a window of a file into lines. Pure, and without work for each line."""

from __future__ import annotations

from dataclasses import dataclass

_MARKS = (b"\0", b"\r\n", b"\xef\xbb\xbf")
"""The bytes that make a window untidy. A search for the first byte alone takes a tenth of the time."""


MOST_LINES = 10_000
"""The limit of lines in a batch: half a megabyte of newlines would occupy the stages for seconds."""


@dataclass(frozen=True, slots=True)
class Cut:
    """The lines of a window.

    Attributes:
        skipped: Bytes before the first line: NULs, or the end of a line that was already sent.
        lines: The lines as stored, without newlines.
        length: The bytes of the window that all these lines take.
        skipping: True if the last line is overlong and its rest must be skipped.
        untidy: True if NULs, carriage returns or byte order marks may surround the text of the lines.
    """

    skipped: int
    lines: list[bytes]
    length: int = 0
    skipping: bool = False
    untidy: bool = False

    def length_of(self, count: int) -> int:
        """Return the bytes of the window that the first `count` lines take."""
        if count == len(self.lines):
            return self.length
        return self.skipped + sum(map(len, self.lines[:count])) + count


def shortened(window: bytes) -> bytes:
    """Return the first `MOST_LINES` lines of a window, or the whole window if it has no more."""
    if window.count(b"\n") <= MOST_LINES:
        return window
    return window[: -len(window.split(b"\n", MOST_LINES)[-1])]


def cut(window: bytes, *, full: bool, mid_line: bool, skipping: bool, ended: bool) -> Cut:
    """Cut a window that begins at a position.

    Args:
        window: The bytes after the position.
        full: True if the window has its largest size; a line that fills it is overlong.
        mid_line: True if a line without its newline was sent before the position.
        skipping: True if the position is inside an overlong line.
        ended: True if a last line without its newline is complete.
    """
    start = _start(window, full=full, mid_line=mid_line, skipping=skipping)
    untidy = any(mark[:1] in window and mark in window for mark in _MARKS) or window.endswith(b"\r")
    end = window.rfind(b"\n", start) + 1
    if end > start:
        lines = window[start : end - 1].split(b"\n")
        # NULs at the end may be unwritten space.
        rest = window[end:].rstrip(b"\0") if ended and not full else b""
        return Cut(start, [*lines, rest] if rest else lines, end + len(rest), untidy=untidy)
    if skipping and start == len(window):
        return Cut(start, [], start, skipping=window[-1:] != b"\n")
    if full and start == 0:
        return Cut(start, [window], len(window), skipping=True, untidy=untidy)
    # NULs at the end may be unwritten space.
    end = len(window.rstrip(b"\0"))
    if ended and end > start:
        return Cut(start, [window[start:end]], end, untidy=untidy)
    return Cut(start, [], start)


def _start(window: bytes, *, full: bool, mid_line: bool, skipping: bool) -> int:
    """Return the offset of the first line."""
    if skipping:
        newline = window.find(b"\n")
        return len(window) if newline < 0 else newline + 1
    rest = window.lstrip(b"\0")
    nuls = len(window) - len(rest)
    if mid_line and rest.startswith((b"\n", b"\r\n")):
        return nuls + rest.index(b"\n") + 1
    # NULs at the end of a file may be unwritten space. Bytes after them prove that they are old.
    return nuls if rest or full else 0
