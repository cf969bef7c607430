"""What the parts of the log collector hand each other: lines as read, and streams as Loki takes them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass


@dataclass(slots=True)
class Batch:
    """Consecutive lines of one file (or entries of the journal), in order, before the pipeline.

    Attributes:
        source: The source's name.
        lines: The lines, each without its newline.
        read_ns: When they were read, Unix nanoseconds: the time of the first line, if it carries none. Each further
            one is a nanosecond later for each byte before it in the batch, counting newlines: the same however the
            same bytes are cut into batches after a restart.
        file_labels: What is known of all of them, such as `{"filename": "/var/log/x.log"}`.
        final: Nothing follows for now, so that an open multi-line entry ends here and every line is consumed.
    """

    source: str
    lines: list[bytes]
    read_ns: int
    file_labels: dict[str, str]
    final: bool = False


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
    """

    streams: list[Stream]
    consumed: int
    dropped: Counter[str]
