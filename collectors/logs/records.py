"""What the parts of the log collector hand each other: lines as read, and streams as Loki takes them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import accumulate, islice

from collectors.logs.recent import NOTHING

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(slots=True)
class Batch:
    """Consecutive lines of one file (or entries of the journal), in order, before the pipeline.

    Attributes:
        source: The source's name.
        lines: The lines as they stand, each without its newline.
        read_ns: When they were read, Unix nanoseconds: the time of the first line, if it carries none.
        file_labels: What is known of all of them, such as `{"filename": "/var/log/x.log"}`.
        final: Nothing follows for now, so that an open multi-line entry ends here and every line is consumed.
        untidy: True if NULs, carriage returns or byte order marks may surround the text of lines.
        true_bytes: The true size of the only line, if the reader cut it; 0 otherwise.
        recent: The newest entries that were sent before it, as `recent` packs them. Whoever sends the batch puts its
            own in their place.
    """

    source: str
    lines: list[bytes]
    read_ns: int
    file_labels: dict[str, str]
    final: bool = False
    untidy: bool = False
    true_bytes: int = 0
    recent: bytes = NOTHING

    @property
    def texts(self) -> list[bytes]:
        """The lines without the NULs of a truncation or a crash, carriage returns at the end, and byte order marks."""
        if not self.untidy:
            return self.lines
        return [line.strip(b"\0").removeprefix(_BYTE_ORDER_MARK).removesuffix(b"\r") for line in self.lines]

    @property
    def times(self) -> list[int]:
        """The time of each line that carries none, Unix nanoseconds.

        It is a nanosecond later for each byte from the beginning of the batch to the text, newlines and NULs included:
        the same however the same bytes are cut into batches after a restart.
        """
        starts = islice(accumulate((len(line) + 1 for line in self.lines), initial=self.read_ns), len(self.lines))
        if not self.untidy:
            return list(starts)
        return [start + len(line) - len(line.lstrip(b"\0")) for start, line in zip(starts, self.lines, strict=True)]


@dataclass(slots=True)
class Stream:
    """What Loki calls a stream: entries under one set of labels, ready to push.

    Attributes:
        labels: Names and values, sorted by name.
        timestamps: Unix nanoseconds, one an entry.
        lines: The entries' text.
        metadata: The structured metadata of each entry, or `None` if no entry has any.
    """

    labels: tuple[tuple[str, str], ...]
    timestamps: list[int]
    lines: list[str | bytes]
    metadata: list[dict[str, str] | None] | None


@dataclass(slots=True)
class Processed:
    """What the pipeline made of a batch.

    Attributes:
        streams: What is to be pushed.
        consumed: How many of the batch's lines are dealt with; the rest (an open multi-line entry) is given again at
            the head of the next batch.
        dropped: Lines dropped on purpose, by reason.
        recent: The newest entries, for the batch that follows.
    """

    streams: list[Stream]
    consumed: int
    dropped: Counter[str]
    recent: bytes
