"""Joins several lines to one entry, for the stages `multiline` and `container`.

The last group of a batch is open: its rest may come with the next batch. It is held back, unless the batch is final or
the group is full.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from collectors.logs.stages.entries import Entries

MAX_LINES = 500
MAX_BYTES = 256 * 1024


def group(
    entries: Entries, opens: Sequence[bool], joint: bytes, *, last_is_open: bool, max_lines: int = MAX_LINES
) -> None:
    """Join each entry with the following ones up to the next one that opens a group.

    Args:
        entries: The entries to change.
        opens: True for each entry that begins a group. The first one always does.
        joint: The separator between the lines.
        last_is_open: True if the last group may continue in the next batch.
        max_lines: The most lines of a group; the other limit is the longest line of Loki.
    """
    firsts = list(_firsts(entries.lines, opens, max_lines))
    if not firsts:
        return
    last_is_full = sum(map(len, entries.lines[firsts[-1] :])) >= MAX_BYTES or len(opens) - firsts[-1] >= max_lines
    if last_is_open and not entries.final and not last_is_full:
        entries.hold_back(firsts.pop())
    lines = entries.lines
    entries.join(firsts, [joint.join(lines[start:end]) for start, end in pairwise([*firsts, len(lines)])])


def _firsts(lines: list[bytes], opens: Sequence[bool], max_lines: int) -> Iterator[int]:
    count = size = 0
    for number, (line, first) in enumerate(zip(lines, opens, strict=True)):
        if first or not number or count >= max_lines or size + len(line) > MAX_BYTES:
            yield number
            count = size = 0
        count += 1
        size += len(line)
