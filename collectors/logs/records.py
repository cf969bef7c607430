"""The records that parts of the log collector exchange: lines as read, and streams as Loki takes them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice

Labels = tuple[tuple[str, str], ...]
"""The names and values of a stream's labels, sorted by name."""

Record = Callable[[bytes], Awaitable[None]]
"""Saves a changed history of the log before anything is sent by it."""


RecordEnd = Callable[[int], Awaitable[None]]
"""Saves, before anything is sent, that a batch ends behind so many lines: it ends there if it is sent again."""


async def record_nothing(_: bytes) -> None:
    """Save nothing, for a source without a position."""


async def record_no_end(_: int) -> None:
    """Save nothing, for a source without a position."""


_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(slots=True)
class Batch:
    """Consecutive lines of one file, or entries of the journal, in order, before the pipeline.

    Attributes:
        source: The source's name.
        lines: The lines as they stand, each without its newline.
        read_ns: The time of reading, Unix nanoseconds. The first line has it, if the log never says a time.
        file_labels: The labels of all lines, such as `{"filename": "/var/log/x.log"}`.
        final: True if nothing follows for now: an open multi-line entry ends here, and every line is consumed.
        untidy: True if NULs, carriage returns or byte order marks may surround the text of lines.
        true_bytes: The true size of the only line, if the reader cut it; 0 otherwise.
        recent: The packed history of the log. The sender of the batch replaces it.
        written_ns: The time of the file's last write, Unix nanoseconds; 0 if unknown.
        known_ns: The last time that a line of the log carried, Unix nanoseconds; 0 if none did.
        more: True if more lines of the same batch follow, so that lines can be held back.
        maybe_sent: True if an agent that was killed may have sent these lines, and later ones.
        record: Saves a changed history before anything is sent by it.
        record_end: Saves the end of the batch before anything of it is sent.
    """

    source: str
    lines: list[bytes]
    read_ns: int
    file_labels: dict[str, str]
    final: bool = False
    untidy: bool = False
    true_bytes: int = 0
    recent: bytes = b""
    written_ns: int = 0
    known_ns: int = 0
    more: bool = False
    maybe_sent: bool = False
    record: Record = record_nothing
    record_end: RecordEnd = record_no_end

    @property
    def texts(self) -> list[bytes]:
        """The lines without the NULs of a truncation or a crash, carriage returns at the end, and byte order marks."""
        if not self.untidy:
            return self.lines
        return [line.strip(b"\0").removeprefix(_BYTE_ORDER_MARK).removesuffix(b"\r") for line in self.lines]

    @property
    def times(self) -> list[int]:
        """The time of each line that carries none, Unix nanoseconds.

        Each is a nanosecond later for each byte from the start of the batch to the text, with newlines and NULs. So it
        does not depend on how bytes are cut into batches after a restart.
        """
        lengths = map(len, self.lines)
        starts = islice(accumulate((length + 1 for length in lengths), initial=self.read_ns), len(self.lines))
        if not self.untidy:
            return list(starts)
        return [start + len(line) - len(line.lstrip(b"\0")) for start, line in zip(starts, self.lines, strict=True)]


@dataclass(slots=True)
class Stream:
    """Entries under one set of labels, ready to push.

    Attributes:
        labels: Names and values, sorted by name.
        timestamps: Unix nanoseconds of each entry.
        lines: The text of each entry.
        metadata: The structured metadata of each entry, or `None` if no entry has any.
    """

    labels: Labels
    timestamps: list[int]
    lines: list[str | bytes]
    metadata: list[dict[str, str] | None] | None

    def subset(self, positions: Sequence[int]) -> Stream:
        """Return a stream of some of the entries."""
        return Stream(
            self.labels,
            [self.timestamps[position] for position in positions],
            [self.lines[position] for position in positions],
            None if self.metadata is None else [self.metadata[position] for position in positions],
        )


@dataclass(slots=True)
class Processed:
    """The result of the pipeline for a batch.

    Attributes:
        streams: The streams to push.
        consumed: The number of the batch's lines that are processed. The next batch begins with the rest, such as an
            open multi-line entry.
        dropped: The number of dropped lines by reason.
        known_ns: The last time that a line carried, Unix nanoseconds; 0 if none did.
    """

    streams: list[Stream]
    consumed: int
    dropped: Counter[str]
    known_ns: int = 0
