"""The lines of a file to send, and the place that they were read from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from collectors.logs.files.lines import Cut

if TYPE_CHECKING:
    from collectors.logs.files.generation import Generation


@dataclass(slots=True)
class FileBatch:
    """Lines to send, and the place they were read from.

    Attributes:
        generation: The file whose position their acknowledgement moves.
        cut: The lines, and their lengths.
        before: The bytes before the position.
        window: The bytes after it.
        final: True if an open entry of several lines ends here.
        true_bytes: The true size of the only line, if it is overlong; 0 otherwise.
        after: The lines of the next file, which may continue an entry of this one; `None` for none.
        corrected: True if Loki refused times, so that the acknowledgement must be saved before the next batch.
    """

    generation: Generation
    cut: Cut
    before: bytes
    window: bytes
    final: bool
    true_bytes: int = 0
    after: FileBatch | None = None
    corrected: bool = False

    @property
    def lines(self) -> list[bytes]:
        """All lines, without newlines."""
        return self.cut.lines + self.after.lines if self.after else self.cut.lines

    @property
    def untidy(self) -> bool:
        """True if NULs, carriage returns or byte order marks may surround the text of the lines."""
        return self.cut.untidy or (self.after is not None and self.after.untidy)

    @property
    def partial(self) -> bool:
        """True if the last line lacks its newline, which must be saved before it is sent."""
        return not self.window.endswith(b"\n", 0, self.cut.length)

    @property
    def read_ns(self) -> int:
        """The time of the first line, for a line without a time of its own."""
        position = self.generation.position
        offset, nanoseconds = next(clock for clock in reversed(position.clocks) if clock[0] <= position.offset)
        return nanoseconds + position.offset + self.cut.skipped - offset

    def stamp(self, now_ns: int) -> bool:
        """Give lines without a time their times; return True if the positions must be saved before the lines are sent.

        The lines of the next file get times that follow those of this one.
        """
        generation = self.generation
        stale = generation.clock_is_stale(now_ns)
        if self.partial or stale:
            generation.set_clock(now_ns, self.end if self.partial else 0)
        if self.after is not None:
            follows_ns = self.read_ns + sum(map(len, self.cut.lines)) + len(self.cut.lines)
            self.after.generation.set_clock(
                follows_ns - self.after.cut.skipped, self.after.end if self.after.partial else 0
            )
        generation.begin_sending()
        return self.partial or stale or self.after is not None or not generation.recorded

    def end_after(self, consumed: int) -> bool:
        """Let the batch end behind its first `consumed` lines if it is sent again; return False if it does already."""
        if self.after is not None or not consumed:
            return False
        return self.generation.set_end(self.cut.length_of(consumed))

    def mark_recorded(self) -> None:
        """Record that the positions file contains the positions of the files."""
        self.generation.recorded = True
        if self.after is not None:
            self.after.mark_recorded()

    @property
    def end(self) -> int:
        """The offset behind the lines of this file."""
        return self.generation.position.offset + self.cut.length

    def acknowledge(self, consumed: int, recent: bytes) -> None:
        """Move the positions behind the first `consumed` lines.

        Args:
            consumed: The number of lines that are done.
            recent: The newest sent entries.

        Raises:
            ValueError: Not all lines were consumed although they were final.
        """
        if self.final and consumed < len(self.lines):
            raise ValueError(f"{consumed} of {len(self.lines)} final lines of {self.generation.path} were consumed")
        own = min(consumed, len(self.cut.lines))
        self.generation.acknowledge(self, own, recent)
        if self.after is not None:
            self.after.generation.acknowledge(self.after, consumed - own, recent)
