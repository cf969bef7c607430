"""Joins several lines to one entry, for the stages `multiline` and `container`.

Lines of different streams (stdout, stderr) are joined apart, also where they alternate. The last group of a stream is
open: its rest may come with the next batch. All lines from its first one on are held back, unless the batch is final,
the group is full, or the other streams are far ahead of it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field

from collectors.logs.stages.entries import Entries

MAX_LINES = 500
MAX_BYTES = 256 * 1024
AHEAD_BYTES = 128 * 1024
"""Bytes of other streams after which an open group is complete."""

AHEAD_NS = 5_000_000_000
"""Nanoseconds, by the times of the entries, after which an open group is complete."""


@dataclass(slots=True)
class _Group:
    numbers: list[int] = field(default_factory=list)
    size: int = 0

    def add(self, number: int, size: int) -> None:
        self.numbers.append(number)
        self.size += size


def group(
    entries: Entries,
    opens: Sequence[bool],
    joint: bytes,
    *,
    is_open: Callable[[int], bool],
    max_lines: int = MAX_LINES,
) -> None:
    """Join each entry with the following ones of its stream up to the next one that opens a group.

    Args:
        entries: The entries to change. Their label `stream` names the stream, if they have one.
        opens: True for each entry that begins a group. The first one of a stream always does.
        joint: The separator between the lines.
        is_open: Returns True if the group that ends with this entry may continue in the next batch.
        max_lines: The most lines of a group; the other limit is the longest line of Loki.
    """
    streams: Sequence[Hashable] = entries.labels.get("stream") or [None] * len(entries.lines)
    groups, last = _groups(entries.lines, opens, streams, max_lines)
    spans = _spans(entries, groups)
    consumed = len(entries.lines) if entries.spans is None else entries.consumed
    if not entries.final:
        unfinished = [
            found
            for found in last
            if is_open(found.numbers[-1])
            and found.size < MAX_BYTES
            and len(found.numbers) < max_lines
            and not _is_far_behind(entries, found.numbers[-1])
        ]
        consumed = _clean_cut(spans, [spans[id(found)][0] for found in unfinished], consumed)
    kept = [found for found in groups if spans[id(found)][0] < consumed]
    lines = entries.lines
    texts = [joint.join([lines[number] for number in found.numbers]) for found in kept]
    entries.join([found.numbers for found in kept], texts, consumed)


def _groups(
    lines: list[bytes], opens: Sequence[bool], streams: Sequence[Hashable], max_lines: int
) -> tuple[list[_Group], Iterable[_Group]]:
    """Return all groups in the order of their first lines, and the last one of each stream."""
    groups: list[_Group] = []
    last: dict[Hashable, _Group] = {}
    for number, (line, first, stream) in enumerate(zip(lines, opens, streams, strict=True)):
        found = last.get(stream)
        if found is None or first or len(found.numbers) >= max_lines or found.size + len(line) > MAX_BYTES:
            found = last[stream] = _Group()
            groups.append(found)
        found.add(number, len(line))
    return groups, last.values()


def _spans(entries: Entries, groups: Iterable[_Group]) -> dict[int, tuple[int, int]]:
    """Return the first and the last of the batch's lines in each group, by the group's identity."""
    spans = entries.spans
    if spans is None:
        return {id(found): (found.numbers[0], found.numbers[-1]) for found in groups}
    return {
        id(found): (spans[found.numbers[0]][0], max(spans[number][1] for number in found.numbers)) for found in groups
    }


def _is_far_behind(entries: Entries, number: int) -> bool:
    """Check whether the entries of other streams are far ahead of this entry, in bytes or in time."""
    after = entries.lines[number + 1 :]
    if not after:
        return False
    ahead_ns = max(entries.timestamps[number + 1 :]) - entries.timestamps[number]
    return ahead_ns >= AHEAD_NS or sum(map(len, after)) >= AHEAD_BYTES


def _clean_cut(spans: dict[int, tuple[int, int]], starts: Iterable[int], otherwise: int) -> int:
    """Return the last line at or before all `starts` that no group reaches across."""
    cut = min(starts, default=otherwise)
    for first, last in reversed(spans.values()):
        if first < cut <= last:
            cut = first
    return cut
