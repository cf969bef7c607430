"""One file that stood under a log's path: reading from its acknowledged position to its end.

Owns the open content and the position in it. The module `lineage` owns the order of the files. Blocking: runs off the
loop.
"""

from __future__ import annotations

import math
import os
import time
from dataclasses import dataclass

import msgspec

from collectors.logs.files.content import CompressedContent, Content, PlainContent, open_content
from collectors.logs.files.file_batch import FileBatch
from collectors.logs.files.file_end import FileEnd, FileEndTimer
from collectors.logs.files.fingerprint import HEAD_BYTES, TAIL_BYTES, fingerprint
from collectors.logs.files.lines import Cut, cut, shortened
from collectors.logs.files.positions import Position
from collectors.logs.files.rotated import holds

CLOCK_NS = 1_000_000_000
"""The largest age, in nanoseconds, of the time that lines without a time get."""


_COMPARED_BYTES = 1 << 16
_MEASURED_AT_ONCE = 1 << 20
_LONGEST_WAIT = 64 << 20
"""The bytes of an overlong line that is still being written, at which its beginning is sent anyway."""


class ContentChangedError(Exception):
    """The file has other content than before: it was truncated or replaced, or its inode was reused."""


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """The limits of reading a file.

    Attributes:
        batch_bytes: The largest batch and the longest line, in bytes.
        flush_after: Seconds without change after which an unfinished line or entry at the end is complete.
        linger: Seconds without change after which a replaced file is closed.
    """

    batch_bytes: int = 512 * 1024
    flush_after: float = 5.0
    linger: float = 60.0


class Generation:
    """One file that stood under a log's path.

    Args:
        path: Its current path.
        position: Its acknowledged position.
        limits: The limits of reading.
        live: True if it stands under the log's own path now.
        resumed: True if an agent that was killed may have sent lines behind the position.

    Attributes:
        size: Its size at the last read; for a compressed file, the known offset.
        caught_up: True if the last read reached its end.
        recorded: True if the positions file has enough to recognise it and to repeat the times of its lines.
        clock_due: True if the last read bytes are new, so that they may get a new time.
    """

    def __init__(self, path: str, position: Position, limits: ReadLimits, *, live: bool, resumed: bool = False) -> None:
        self.path = path
        self.position = position
        self.live = live
        self.size = position.offset
        self.caught_up = False
        self.clock_due = False
        self.recorded = position.head.length > 0
        self._limits = limits
        self._content: Content | None = None
        self._offered = 0
        self._measured = 0
        self._has_more_lines = False
        self._end = FileEndTimer()
        self._postponed_until = 0.0
        self._maybe_sent_until: float | None = None if resumed else 0

    @property
    def is_open(self) -> bool:
        """True if it holds a descriptor."""
        return self._content is not None

    @property
    def maybe_sent(self) -> bool:
        """True if an agent that was killed may have sent the lines behind the position."""
        return self.position.offset < (self._maybe_sent_until or 0)

    @property
    def has_rest(self) -> bool:
        """True if an unfinished line or entry is at its end."""
        return self._end.seen.unfinished > 0

    def is_at(self, status: os.stat_result) -> bool:
        """Compare its inode, and its device while it is open, with a status."""
        if isinstance(self._content, PlainContent) and self._content.stat().st_dev != status.st_dev:
            return False
        return self.position.inode == status.st_ino

    def is_open_on(self, status: os.stat_result) -> bool:
        """Check whether it holds the file with this status open."""
        if not isinstance(self._content, PlainContent):
            return False
        own = self._content.stat()
        return (own.st_dev, own.st_ino) == (status.st_dev, status.st_ino)

    def is_beginning_of(self, content: Content) -> bool:
        """Check whether other content begins with this one: by its end too, while it is open."""
        if not holds(content, self.position):
            return False
        if not isinstance(self._content, PlainContent):
            return True
        size = self._content.size
        start = max(0, size - _COMPARED_BYTES)
        return self._content.read(start, size - start) == content.read(start, size - start)

    @property
    def is_gone(self) -> bool:
        """True if it is open and was deleted."""
        return isinstance(self._content, PlainContent) and self._content.stat().st_nlink == 0

    def hold(self) -> None:
        """Open the file, so that a rename or a deletion loses nothing.

        Raises:
            ContentChangedError: It has other content than before.
            OSError: It cannot be read.
        """
        if self._content is None:
            self._window(self._open())

    @property
    def status(self) -> os.stat_result | None:
        """The status of the open file; `None` if none is open."""
        return self._content.stat() if isinstance(self._content, PlainContent) else None

    def rewritten(self, position: Position) -> Generation:
        """Hand the open file to a new generation that reads its new content.

        Args:
            position: The position in the new content.
        """
        new = Generation(self.path, position, self._limits, live=False)
        new._content, self._content = self._content, None
        return new

    def retire(self) -> None:
        """Record that another file took its place; its writer may still hold it open."""
        self.live = False
        self._end.restart()

    @property
    def postponed(self) -> bool:
        """True for some time after a failed read."""
        return time.monotonic() < self._postponed_until

    def postpone(self) -> None:
        """Close it for some time."""
        self.close()
        self._postponed_until = time.monotonic() + self._limits.linger

    @property
    def deleted(self) -> bool:
        """True if it is open and was deleted."""
        return self._end.seen.names == 0

    @property
    def left(self) -> bool:
        """True if it was replaced or deleted, is read to its end, and stays unchanged."""
        if self.has_rest or self._content is None or (self.live and not self.deleted):
            return False
        return not isinstance(self._content, PlainContent) or self._end.quiet >= self._limits.linger

    def recognise(self) -> None:
        """Take the file's fingerprint; a closed file stays closed.

        Raises:
            ContentChangedError: It is another file now.
            OSError: It cannot be read.
        """
        was_open = self.is_open
        self._window(self._content or self._open())
        if not was_open:
            self.close()

    def read(self) -> FileBatch | None:
        """Return the next lines, or `None`.

        Raises:
            ContentChangedError: It has other content than before.
            OSError: It cannot be read.
        """
        content = self._content or self._open()
        while True:
            before, window = self._window(content)
            full = self._is_full(window)
            self.clock_due = self.caught_up or not self.position.clocks
            self.caught_up = not full
            found = self._cut(window, before, full=full)
            true_bytes, complete = self._measure(content) if found.lines and found.skipping else (0, True)
            self._end.see(self._end_of(window, true_bytes))
            if not complete and not self.ended:
                return None
            if found.lines:
                return self._batch(found, before, window, full=full, true_bytes=true_bytes)
            if not found.length:
                if isinstance(content, CompressedContent) and content.damage:
                    raise OSError(content.damage)
                return None
            self._advance(before, window, found.length, skipping=found.skipping)
            self._skip_hole(content, window, full=full)

    @property
    def ended(self) -> bool:
        """True if an unfinished line or entry at the end is complete."""
        return not isinstance(self._content, PlainContent) or self._end.quiet >= self._limits.flush_after

    def held_back(self) -> FileBatch | None:
        """Return the lines of an open entry at the end once more; `None` if there are none, or other lines.

        Raises:
            ContentChangedError: It has other content than before.
            OSError: It cannot be read.
        """
        if not self._offered:
            return None
        before, window = self._window(self._content or self._open())
        full = self._is_full(window)
        found = self._cut(window, before, full=full)
        if full or found.length != self._offered or found.length < len(window):
            return None
        return FileBatch(self, found, before, window, final=False)

    def acknowledge(self, work: FileBatch, consumed: int, recent: bytes) -> None:
        """Move the position behind the first `consumed` lines of `work`.

        Args:
            work: The sent lines.
            consumed: The number of its lines that are done.
            recent: The newest sent entries.
        """
        length = work.cut.length_of(consumed) if consumed else 0
        all_of_them = consumed == len(work.cut.lines)
        self._advance(work.before, work.window, length, skipping=all_of_them and work.cut.skipping)
        self._change(recent=recent)
        self._offered = work.cut.length - length

    def clock_is_stale(self, now_ns: int) -> bool:
        """Check whether new lines without a time would get one that is too old."""
        clocks = self.position.clocks
        ahead = any(offset > self.position.offset for offset, _ in clocks)
        return self.clock_due and not ahead and (not clocks or not 0 <= now_ns - clocks[-1][1] <= CLOCK_NS)

    def follow(self, before: Position) -> None:
        """Take over the newest entries of the file before, until lines of this one are sent."""
        if not self.position.offset and not self.position.begun and self.position.recent != before.recent:
            self._change(recent=before.recent)

    def begin_sending(self) -> None:
        """Keep the history that the first lines are sent with, also after a crash."""
        if not self.position.offset and not self.position.begun:
            self._change(begun=True)

    def remember(self, recent: bytes) -> None:
        """Replace the history of the sent entries."""
        self._change(recent=recent)

    def forget_clocks(self) -> None:
        """Drop the saved times while no batch is in flight, so that later lines get later times."""
        self._change(clocks=())

    def set_clock(self, now_ns: int, end: int = 0) -> None:
        """Give lines without a time this one from the position on.

        Args:
            now_ns: Unix nanoseconds.
            end: The offset where the next batch must end if it is sent again; 0 for any.
        """
        position = self.position
        clocks = [clock for clock in position.clocks if clock[0] < position.offset][-1:]
        clocks.append((position.offset, now_ns))
        if end:
            clocks.append((end, now_ns))
        self._change(clocks=tuple(clocks))

    def set_end(self, length: int) -> bool:
        """Let the next batch end after so many bytes, without a change of any time; return False if it does already."""
        offset = self.position.offset
        end = offset + length
        if any(start >= end for start, _ in self.position.clocks):
            return False
        start, now_ns = self.position.clocks[-1]
        self._change(clocks=(*self.position.clocks, (end, now_ns + end - start)))
        return True

    def close(self) -> None:
        """Close the descriptor; reading opens the file again."""
        if self._content is not None:
            self._content.close()
            self._content = None

    def _open(self) -> Content:
        content = open_content(self.path)
        position = self.position
        if isinstance(content, PlainContent):
            same = content.stat().st_ino == position.inode and holds(content, position)
        else:
            same = holds(content, position)
        if not same:
            content.close()
            raise ContentChangedError
        self._content = content
        return content

    def _room(self) -> int:
        """Return the bytes of a batch from the position on, at most up to the next clock."""
        ends = [offset - self.position.offset for offset, _ in self.position.clocks if offset > self.position.offset]
        return min([self._limits.batch_bytes, *ends])

    def _window(self, content: Content) -> tuple[bytes, bytes]:
        """Return the bytes before the position, checked against the fingerprints, and those after it."""
        offset, head, tail = self.position.offset, self.position.head, self.position.tail
        start = 0 if offset <= HEAD_BYTES else offset - tail.length
        data = content.read(start, offset - start + max(self._room(), HEAD_BYTES))
        before = data[: offset - start]
        if not tail.matches(before[len(before) - tail.length :]) or (start == 0 and not head.matches(data)):
            raise ContentChangedError
        if start == 0 and head.length < HEAD_BYTES:
            self._change(head=fingerprint(data[:HEAD_BYTES].rstrip(b"\0")))
        if self._maybe_sent_until is None:
            self._maybe_sent_until = content.size if isinstance(content, PlainContent) else math.inf
        if isinstance(content, PlainContent):
            self.size = content.size
            self._change(modified_ns=content.stat().st_mtime_ns)
        window = data[offset - start : offset - start + self._room()]
        few = shortened(window)
        self._has_more_lines = len(few) < len(window)
        return before, few

    def _is_full(self, window: bytes) -> bool:
        """Return True if the file may have more than this window."""
        return self._has_more_lines or len(window) == self._room()

    def _is_at_clock(self, window: bytes) -> bool:
        """Return True if a clock ends this window."""
        return len(window) == self._room() < self._limits.batch_bytes

    def _cut(self, window: bytes, before: bytes, *, full: bool) -> Cut:
        at_clock = self._is_at_clock(window)
        found = cut(
            window,
            full=full and not at_clock,
            mid_line=before[-1:] not in {b"", b"\n"},
            skipping=self.position.skipping,
            ended=at_clock or self._ended(window),
        )
        # A clock ends a batch where one ended before. A rest before it was sent as a complete line.
        if at_clock and found.lines and found.length < len(window):
            return Cut(found.skipped, [*found.lines, window[found.length :]], len(window), untidy=found.untidy)
        return found

    def _ended(self, window: bytes) -> bool:
        """Check whether an unfinished line or entry at the end is complete."""
        return self.ended and (not isinstance(self._content, PlainContent) or self._end_of(window) == self._end.seen)

    def _end_of(self, window: bytes, line_bytes: int = 0) -> FileEnd:
        names = self._content.stat().st_nlink if isinstance(self._content, PlainContent) else 1
        return FileEnd(self.position.offset, max(len(window.rstrip(b"\0")), line_bytes), names)

    def _measure(self, content: Content) -> tuple[int, bool]:
        """Return the size of the overlong line at the position, and False while it is being written."""
        start = self.position.offset
        end = max(self._measured, start)
        while True:
            data = content.read(end, _MEASURED_AT_ONCE)
            newline = data.find(b"\n")
            if newline >= 0:
                return end + newline - start, True
            end = self._measured = end + len(data)
            if not data:
                return end - start, end - start >= _LONGEST_WAIT

    def _batch(self, found: Cut, before: bytes, window: bytes, *, full: bool, true_bytes: int) -> FileBatch | None:
        final = self._is_at_clock(window)
        batch = FileBatch(self, found, before, window, final, true_bytes)
        if batch.partial or found.length == self._offered:
            batch.final = final or batch.partial or full or self._ended(window)
            return batch if batch.final else None
        return batch

    def _advance(self, before: bytes, window: bytes, length: int, *, skipping: bool) -> None:
        """Move the position by `length` bytes of the window."""
        if not length:
            return
        offset = self.position.offset + length
        tail = window[max(0, length - TAIL_BYTES) : length]
        if length < TAIL_BYTES:
            tail = (before + tail)[-TAIL_BYTES:]
        clocks = self.position.clocks
        started = [clock for clock in clocks if clock[0] <= offset]
        later = [clock for clock in clocks if clock[0] > offset]
        self._change(offset=offset, tail=fingerprint(tail), skipping=skipping, clocks=tuple(started[-1:] + later))
        self._offered = 0

    def _skip_hole(self, content: Content, window: bytes, *, full: bool) -> None:
        """After a window of NULs, move to the next data of a sparse file."""
        if not (full and isinstance(content, PlainContent) and not window.strip(b"\0")):
            return
        offset = content.next_data(self.position.offset)
        if offset > self.position.offset:
            tail = content.read(offset - TAIL_BYTES, TAIL_BYTES)
            self._change(offset=offset, tail=fingerprint(tail))

    def _change(self, **fields: object) -> None:
        self.position = msgspec.structs.replace(self.position, **fields)
