"""The times that entries are sent with: accepted by Loki, different for equal entries, in the order of the log.

Loki refuses an entry more than an hour behind the newest of its stream, and keeps one of entries with equal labels,
time and text. The functions here decide from the history of the log alone, so lines that are sent again keep their
times.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from heapq import heappush, heappushpop, nlargest
from zlib import crc32

from collectors.logs.history import History, StreamHistory, Window, stream_key
from collectors.logs.records import Stream
from collectors.logs.times.rfc3339 import rfc3339_text

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
    key = stream_key(stream.labels)
    known = history.of(stream.labels)
    before = stream.timestamps
    if _is_ascending(before, max(known.newest, known.horizon)):
        times = before
        _remember(known, times, stream.lines, key)
    else:
        times = _decided(before, stream.lines, key, known, has_own_times=has_own_times)
    stream.timestamps = times
    apply_window(stream, times, history.windows.get(key))
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


def _is_ascending(times: Sequence[int], newest: int) -> bool:
    """Check for times that each come after all earlier ones, which need no decision."""
    return times[0] > newest and all(map(operator.lt, times, times[1:]))


def _decided(
    times: Sequence[int], lines: Sequence[str | bytes], key: int, known: StreamHistory, *, has_own_times: bool
) -> list[int]:
    """Return times that Loki accepts, none equal to that of an earlier entry with the same text.

    The history moves with each entry, so the cuts between batches make no difference.
    """
    decided, newest, sent = list[int](), sorted(known.sent), set(known.sent)
    for own, line in zip(times, lines, strict=True):
        at = _in_order(own, known, has_own_times=has_own_times)
        checksum = _checksum(line, key)
        free = _late(at, known) if at <= known.horizon else at
        while (free, checksum) in sent:
            free += 1
        decided.append(free)
        known.newest = max(known.newest, free)
        sent.add((free, checksum))
        if len(newest) < REMEMBERED:
            heappush(newest, (free, checksum))
        else:
            oldest = heappushpop(newest, (free, checksum))
            sent.discard(oldest)
            known.horizon = max(known.horizon, oldest[0])
    known.sent = sorted(newest, reverse=True)
    return decided


def _in_order(at: int, known: StreamHistory, *, has_own_times: bool) -> int:
    """Move an entry that Loki would refuse as too far behind its stream."""
    if not has_own_times and at < known.newest <= at + AHEAD_NS:
        return known.newest
    floor = known.newest - BEHIND_NS
    if at >= floor:
        return at
    known.moved = known.moved + 1 if floor <= known.moved < floor + _SECOND_NS else floor
    return known.moved


def _late(at: int, known: StreamHistory) -> int:
    """Return a time for an entry whose equals may have been forgotten: one that none of them can have."""
    if known.horizon - at < _NEAR_NS:
        known.horizon += 1
        return known.horizon
    room = 500 if at % _NEAR_NS else _NEAR_NS // 2  # within the resolution of the time, as far as it shows
    known.late += 1
    return at + room + known.late % room


def _remember(known: StreamHistory, times: Sequence[int], lines: Sequence[str | bytes], key: int) -> None:
    """Note entries that are all newer than those before them."""
    last = -(REMEMBERED + 1)
    fresh = [(at, _checksum(line, key)) for at, line in zip(times[last:], lines[last:], strict=True)]
    _note(known, nlargest(REMEMBERED + 1, [*known.sent, *fresh]))


def _note(known: StreamHistory, newest: list[tuple[int, int]]) -> None:
    if len(newest) > REMEMBERED:
        known.horizon = max(known.horizon, newest[REMEMBERED][0])
    known.sent = newest[:REMEMBERED]


def _checksum(line: str | bytes, key: int) -> int:
    return crc32(line if isinstance(line, bytes) else line.encode("utf-8", "replace"), key)
