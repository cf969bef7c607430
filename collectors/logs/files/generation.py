"""One file under a log's path, from its first byte to its last: reading on from what was acknowledged.

Owns the open content and the position in it. Which file comes after which is `lineage`'s. Blocking: runs off the loop.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

import msgspec

from collectors.logs.files.content import CompressedContent, Content, PlainContent, open_content
from collectors.logs.files.end import End, EndWatch
from collectors.logs.files.identity import HEAD_BYTES, TAIL_BYTES, fingerprint
from collectors.logs.files.lines import Cut, cut
from collectors.logs.files.positions import Position
from collectors.logs.files.rotated import holds

CLOCK_NS = 1_000_000_000
"""How old, in nanoseconds, the time of lines that have none may be."""


class ContentChangedError(Exception):
    """The file does not contain any more what was read from it: truncated, replaced, or its inode used again."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How a file is read.

    Attributes:
        batch_bytes: Bytes of a batch, and of a line, at most.
        flush_after: Seconds without change after which an unfinished line or entry at the end is taken as it is.
        linger: Seconds without change after which a file that was replaced is left.
    """

    batch_bytes: int = 512 * 1024
    flush_after: float = 5.0
    linger: float = 60.0


@dataclass(slots=True)
class Work:
    """Lines to be sent, and what they were read from.

    Attributes:
        generation: Where the position is to be moved once they are acknowledged.
        cut: The lines, and their lengths.
        before: What stands before the position.
        window: What stands after it.
        partial: Whether the last line is taken without its end, which must be remembered before it is sent.
        final: Whether an open entry of many lines is to be ended.
    """

    generation: Generation
    cut: Cut
    before: bytes
    window: bytes
    partial: bool
    final: bool

    @property
    def read_ns(self) -> int:
        """The time of the first line, if it has none of its own."""
        position = self.generation.position
        offset, nanoseconds = next(clock for clock in reversed(position.clocks) if clock[0] <= position.offset)
        return nanoseconds + position.offset + self.cut.skipped - offset


class Generation:
    """One file under a log's path.

    Args:
        path: Where it is now.
        position: How far it is acknowledged.
        limits: How it is read.
        live: Whether it is the one that stands under the log's own path.

    Attributes:
        size: Its size when it was last read; the offset, as far as is known, if it is compressed.
        caught_up: Whether the last look reached its end.
        recorded: Whether the positions file has enough of it to recognise it and to give its lines the same times.
        clock_due: Whether what was read last is new since then, so that it may have a time of its own.
    """

    def __init__(self, path: str, position: Position, limits: Limits, *, live: bool) -> None:
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
        self._end = EndWatch()
        self._postponed_until = 0.0

    @property
    def is_open(self) -> bool:
        """Whether it holds a descriptor."""
        return self._content is not None

    @property
    def has_rest(self) -> bool:
        """Whether there is an unfinished line or entry at its end."""
        return self._end.seen.unfinished > 0

    def is_at(self, status: os.stat_result) -> bool:
        """Whether it is, as far as its inode tells, the file that has this status."""
        if isinstance(self._content, PlainContent) and self._content.stat().st_dev != status.st_dev:
            return False
        return self.position.inode == status.st_ino

    def retire(self) -> None:
        """Another file took its place; its writer may still hold it."""
        self.live = False
        self._end.wait_anew()

    @property
    def postponed(self) -> bool:
        """Whether it could not be read a while ago, which is not tried at every look."""
        return time.monotonic() < self._postponed_until

    def postpone(self) -> None:
        """Leave it closed for a while."""
        self.close()
        self._postponed_until = time.monotonic() + self._limits.linger

    @property
    def deleted(self) -> bool:
        """Whether it is open and has no name any more."""
        return self._end.seen.names == 0

    @property
    def left(self) -> bool:
        """Whether it was replaced or deleted, is read to its end, and nothing follows."""
        if self.has_rest or self._content is None or (self.live and not self.deleted):
            return False
        return not isinstance(self._content, PlainContent) or self._end.quiet >= self._limits.linger

    def recognise(self) -> None:
        """Take the file's fingerprint, and leave it closed if it was.

        Raises:
            ContentChangedError: It is another file by now.
            OSError: It cannot be read.
        """
        was_open = self.is_open
        self._window(self._content or self._open())
        if not was_open:
            self.close()

    def read(self) -> Work | None:
        """The next lines, if there are any.

        Raises:
            ContentChangedError: It does not contain any more what was read from it.
            OSError: It cannot be read.
        """
        content = self._content or self._open()
        while True:
            before, window = self._window(content)
            full = len(window) == self._room()
            self.clock_due = self.caught_up or not self.position.clocks
            self.caught_up = not full
            found = self._cut(window, before, full=full)
            self._end.see(self._end_of(window))
            if found.lines:
                return self._work(found, before, window, full=full)
            if not found.length:
                if isinstance(content, CompressedContent) and content.damage:
                    raise OSError(content.damage)
                return None
            self._advance(before, window, found.length, skipping=found.skipping)
            self._skip_hole(content, window, full=full)

    def acknowledge(self, work: Work, consumed: int, recent: bytes) -> None:
        """Move the position behind the first `consumed` lines of `work`.

        Args:
            work: What was sent.
            consumed: How many of its lines are dealt with.
            recent: The newest entries that were sent.

        Raises:
            ValueError: None of them was consumed although they were final.
        """
        if work.final and consumed < len(work.cut.lines):
            raise ValueError(f"{consumed} of {len(work.cut.lines)} final lines of {self.path} were consumed, not all")
        length = work.cut.length_of(consumed) if consumed else 0
        all_of_them = consumed == len(work.cut.lines)
        self._advance(work.before, work.window, length, skipping=all_of_them and work.cut.skipping)
        self._change(recent=recent)
        self._offered = work.cut.length - length

    def clock_is_stale(self, now_ns: int) -> bool:
        """Whether lines that have no time of their own would get one that is too old, and may get a new one."""
        clocks = self.position.clocks
        ahead = any(offset > self.position.offset for offset, _ in clocks)
        return self.clock_due and not ahead and (not clocks or now_ns - clocks[-1][1] > CLOCK_NS)

    def follow(self, before: Position) -> None:
        """Begin after the entries of the file before, as long as nothing of this one was sent."""
        if not self.position.offset and self.position.recent != before.recent:
            self._change(recent=before.recent)

    def forget_clocks(self) -> None:
        """Nothing is under way: what is read later may have a later time."""
        self._change(clocks=())

    def set_clock(self, now_ns: int, end: int = 0) -> None:
        """Let lines that have no time of their own have this one from the position on.

        Args:
            now_ns: Unix nanoseconds.
            end: Where the next batch must end again if it is sent again; 0 if that may differ.
        """
        position = self.position
        clocks = [clock for clock in position.clocks if clock[0] < position.offset][-1:]
        clocks.append((position.offset, now_ns))
        if end:
            clocks.append((end, now_ns))
        self._change(clocks=tuple(clocks))

    def close(self) -> None:
        """Give the descriptor back; reading opens it again."""
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
        """Bytes of a batch from the position on: to the next clock, if that is nearer."""
        ends = [offset - self.position.offset for offset, _ in self.position.clocks if offset > self.position.offset]
        return min([self._limits.batch_bytes, *ends])

    def _window(self, content: Content) -> tuple[bytes, bytes]:
        """What stands before the position, checked to be what was read there, and what stands after it."""
        offset, head, tail = self.position.offset, self.position.head, self.position.tail
        start = 0 if offset <= HEAD_BYTES else offset - tail.length
        data = content.read(start, offset - start + max(self._room(), HEAD_BYTES))
        before = data[: offset - start]
        if not tail.matches(before[len(before) - tail.length :]) or (start == 0 and not head.matches(data)):
            raise ContentChangedError
        if start == 0 and head.length < HEAD_BYTES:
            self._change(head=fingerprint(data[:HEAD_BYTES].rstrip(b"\0")))
        if isinstance(content, PlainContent):
            status = content.stat()
            self.size = status.st_size
            self._change(modified_ns=status.st_mtime_ns)
        return before, data[offset - start : offset - start + self._room()]

    def _cut(self, window: bytes, before: bytes, *, full: bool) -> Cut:
        at_clock = full and self._room() < self._limits.batch_bytes
        found = cut(
            window,
            full=full and not at_clock,
            mid_line=before[-1:] not in {b"", b"\n"},
            skipping=self.position.skipping,
            ended=at_clock or self._ended(window),
        )
        # A clock ends a batch only where one ended before, so that a rest before it was taken as it was.
        if at_clock and found.lines and found.length < len(window):
            return Cut(found.skipped, [*found.lines, window[found.length :]], len(window), nuls=found.nuls)
        return found

    def _ended(self, window: bytes) -> bool:
        """Whether an unfinished line or entry at the end is to be taken as it is."""
        if not isinstance(self._content, PlainContent):
            return True
        return self._end_of(window) == self._end.seen and self._end.quiet >= self._limits.flush_after

    def _end_of(self, window: bytes) -> End:
        names = self._content.stat().st_nlink if isinstance(self._content, PlainContent) else 1
        return End(self.position.offset, len(window.rstrip(b"\0")), names)

    def _work(self, found: Cut, before: bytes, window: bytes, *, full: bool) -> Work | None:
        final = full and self._room() < self._limits.batch_bytes
        partial = not window[: found.length].endswith(b"\n")
        if found.length == self._offered:
            final = final or full or self._ended(window)
            if not final:
                return None
        return Work(self, found, before, window, partial, final)

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
        """After a window of NULs, go where a sparse file has data again."""
        if not (full and isinstance(content, PlainContent) and not window.strip(b"\0")):
            return
        offset = content.next_data(self.position.offset)
        if offset > self.position.offset:
            tail = content.read(offset - TAIL_BYTES, TAIL_BYTES)
            self._change(offset=offset, tail=fingerprint(tail))

    def _change(self, **fields: object) -> None:
        self.position = msgspec.structs.replace(self.position, **fields)
