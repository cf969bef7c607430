"""Cutting a window of a file into lines. Pure, and a whole window at once: nothing here is done once a line."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cut:
    """What a window holds.

    Attributes:
        skipped: Bytes before the first line that make no line: NULs, or the end of a line that was already sent.
        lines: The lines as they stand, without newlines.
        length: The bytes of the window that are dealt with once all these lines are.
        skipping: Whether the last line is overlong, so that its rest is to be skipped.
        nuls: Whether there may be NULs around the text of the lines.
    """

    skipped: int
    lines: list[bytes]
    length: int = 0
    skipping: bool = False
    nuls: bool = False

    def length_of(self, count: int) -> int:
        """The bytes of the window that are dealt with once the first `count` lines are."""
        if count == len(self.lines):
            return self.length
        return self.skipped + sum(map(len, self.lines[:count])) + count


def cut(window: bytes, *, full: bool, mid_line: bool, skipping: bool, ended: bool) -> Cut:
    """Cut a window that begins at a position.

    Args:
        window: What follows the position.
        full: Whether the window is as large as one may be, so that a line that fills it is overlong.
        mid_line: Whether the byte before the position is not a newline: a line without its newline was sent.
        skipping: Whether the position is inside an overlong line.
        ended: Whether a line without its newline at the end is to be taken as it is.
    """
    start = _start(window, full=full, mid_line=mid_line, skipping=skipping)
    nuls = b"\0" in window
    end = window.rfind(b"\n", start) + 1
    if end > start:
        return Cut(start, window[start : end - 1].split(b"\n"), end, nuls=nuls)
    if skipping and start == len(window):
        return Cut(start, [], start, skipping=window[-1:] != b"\n")
    if full and start == 0:
        return Cut(start, [window], len(window), skipping=True, nuls=nuls)
    # NULs at the end may be space that is yet to be written.
    end = len(window.rstrip(b"\0"))
    if ended and end > start:
        return Cut(start, [window[start:end]], end, nuls=nuls)
    return Cut(start, [], start)


def _start(window: bytes, *, full: bool, mid_line: bool, skipping: bool) -> int:
    """Where the first line begins."""
    if skipping:
        newline = window.find(b"\n")
        return len(window) if newline < 0 else newline + 1
    rest = window.lstrip(b"\0")
    nuls = len(window) - len(rest)
    if mid_line and rest[:1] == b"\n":
        return nuls + 1
    # NULs at the end of a file may be space that is yet to be written, so that only what follows them makes them old.
    return nuls if rest or full else 0
