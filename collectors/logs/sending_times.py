"""The times that entries are sent with: accepted by Loki, different for equal entries, in the order of the log.

Loki refuses an entry more than an hour behind the newest of its stream, and keeps one of entries with equal labels,
time and text. The functions here decide from the history of the log alone, so lines that are sent again keep their
times.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import nlargest
from zlib import crc32

from collectors.logs.history import History, StreamHistory, Window, stream_key
from collectors.logs.records import Stream
from collectors.logs.timestamps import rfc3339_text

BEHIND_NS = 3540 * 10**9
"""The most that an entry may be behind its stream: Loki's hour, less a minute."""

AHEAD_NS = 600 * 10**9
"""The most that an entry may be ahead of Loki's clock."""

ORIGINAL_TIME = "original_time"
"""The structured metadata with the true time of an entry that was moved."""

REMEMBERED = 32
"""The number of entries of a stream that are remembered exactly."""

_NEAR_NS = 1_000_000
_SECOND_NS = 10**9


def assign_times(stream: Stream, history: History, *, has_own_times: bool) -> list[int]:
    """Give the entries of a stream the times to send them with, and note them in the history.

    Args:
        stream: The entries, changed in place.
        history: The history of the log.
        has_own_times: False for entries with the time of reading, which are never shown as an original time.

    Returns:
        The times before the window of the history was applied.
    """
    known = history.of(stream.labels)
    before = stream.timestamps
    times = _in_order(before, known, has_own_times=has_own_times)
    times = _separated(times, stream.lines, stream_key(stream.labels), known)
    stream.timestamps = times
    apply_window(stream, times, history.windows.get(stream_key(stream.labels)))
    if has_own_times:
        _keep_original(stream, before)
    known.newest = max(known.newest, *stream.timestamps)
    return times


def apply_window(stream: Stream, times: Sequence[int], window: Window | None) -> None:
    """Move the entries whose time Loki does not accept. Each is a nanosecond after the one before it."""
    if window is None or (min(times) >= window.low and max(times) <= window.high):
        stream.timestamps = list(times)
        return
    moved, low_at, high_at = [], window.low_at, window.high_at
    for at in times:
        if at < window.low:
            moved.append(low_at)
            low_at += 1
        elif at > window.high:
            moved.append(high_at)
            high_at += 1
        else:
            moved.append(at)
    stream.timestamps = moved


def noted_again(stream: Stream, before: History) -> StreamHistory:
    """Return the history of a stream whose entries were moved after `assign_times`.

    Args:
        stream: The entries as they were sent.
        before: The history before them.
    """
    key = stream_key(stream.labels)
    known = before.copy().of(stream.labels)
    known.newest = max(known.newest, *stream.timestamps)
    sent = [(at, _checksum(line, key)) for at, line in zip(stream.timestamps, stream.lines, strict=True)]
    _note(known, nlargest(REMEMBERED + 1, [*known.sent, *sent]))
    return known


def keep_original(stream: Stream, times: Sequence[int]) -> None:
    """Attach the original time to the entries that are sent with another one."""
    _keep_original(stream, times)


def _keep_original(stream: Stream, before: Sequence[int]) -> None:
    if stream.timestamps == before:
        return
    far = [abs(at - sent) >= _SECOND_NS for at, sent in zip(before, stream.timestamps, strict=True)]
    if not any(far):
        return
    metadata = list(stream.metadata or [None] * len(before))
    for number, moved in enumerate(far):
        if moved and ORIGINAL_TIME not in (metadata[number] or {}):
            metadata[number] = {**(metadata[number] or {}), ORIGINAL_TIME: rfc3339_text(before[number])}
    stream.metadata = metadata


def _in_order(times: list[int], known: StreamHistory, *, has_own_times: bool) -> list[int]:
    """Move the entries that Loki would refuse as too far behind their stream."""
    earliest = min(times)
    if has_own_times:
        if earliest >= max(known.newest, *times) - BEHIND_NS:
            return times
    elif earliest >= known.newest and times == sorted(times):
        return times
    newest, ordered = known.newest, []
    for at in times:
        floor = newest - BEHIND_NS
        if not has_own_times and at < newest <= at + AHEAD_NS:
            ordered.append(newest)
        elif at < floor:
            known.moved = known.moved + 1 if floor <= known.moved < floor + _SECOND_NS else floor
            ordered.append(known.moved)
        else:
            newest = max(newest, at)
            ordered.append(at)
    return ordered


def _separated(times: list[int], lines: Sequence[str | bytes], key: int, known: StreamHistory) -> list[int]:
    """Move entries that equal an earlier one in time and text to a time of their own."""
    sent = set(known.sent)
    different = set(times)
    if len(different) == len(times) and min(times) > known.horizon and not any(at in different for at, _ in known.sent):
        _remember(known, zip(times, lines, strict=True), times, key)
        return times
    separated, following = [], dict[tuple[int, int], int]()
    for at, line in zip(times, lines, strict=True):
        checksum = _checksum(line, key)
        if at <= known.horizon:
            free = _late(at, known)
        elif (at, checksum) in sent:
            free = following.get((at, checksum), at + 1)
        else:
            free = at
        while (free, checksum) in sent:
            free += 1
        if free != at:
            following[at, checksum] = free + 1
        sent.add((free, checksum))
        separated.append(free)
    newest = nlargest(REMEMBERED + 1, sent)
    _note(known, newest)
    return separated


def _late(at: int, known: StreamHistory) -> int:
    """Return a time for an entry whose equals may have been forgotten: one that none of them can have."""
    if known.horizon - at < _NEAR_NS:
        known.horizon += 1
        return known.horizon
    room = 500 if at % _NEAR_NS else _NEAR_NS // 2  # within the resolution of the time, as far as it shows
    known.late += 1
    return at + room + known.late % room


def _remember(known: StreamHistory, entries: object, times: list[int], key: int) -> None:
    """Note different entries that are all newer than the horizon."""
    threshold = sorted(times)[-(REMEMBERED + 1) :][0]
    fresh = [(at, _checksum(line, key)) for at, line in entries if at >= threshold]  # type: ignore[attr-defined]
    _note(known, nlargest(REMEMBERED + 1, [*known.sent, *fresh]))


def _note(known: StreamHistory, newest: list[tuple[int, int]]) -> None:
    if len(newest) > REMEMBERED:
        known.horizon = max(known.horizon, newest[REMEMBERED][0])
    known.sent = newest[:REMEMBERED]


def _checksum(line: str | bytes, key: int) -> int:
    return crc32(line if isinstance(line, bytes) else line.encode("utf-8", "replace"), key)
