"""The reaction to refused times: what Loki accepts of a stream, as its refusals show.

Loki accepts times in a window: not too old, not too far behind the stream's newest entry, and not too far ahead of its
clock. Entries before the window are moved to its start, entries after it to the time of Loki's clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from collectors.logs.history import Window
from collectors.logs.loki.client import Refusal
from collectors.logs.sending_times import BEHIND_NS

_SECOND_NS = 10**9
_HOUR_NS = 3600 * _SECOND_NS
_DAY_NS = 24 * _HOUR_NS
_STEP_NS = 60 * _SECOND_NS
_MOST_STEPS = 20


class Corrected(NamedTuple):
    """A corrected window.

    Attributes:
        window: The window.
        is_closed: True if Loki accepts no time for now, so that entries wait.
    """

    window: Window
    is_closed: bool


def corrected_window(  # noqa: PLR0913 - the refusals, and what is known of the stream and of Loki
    window: Window | None,
    refused: Sequence[Refusal],
    times: Sequence[int],
    sent: Sequence[int],
    *,
    loki_ns: int,
    newest: int,
    tries: int,
    has_own_times: bool,
) -> Corrected:
    """Return the window of a stream after refusals.

    Args:
        window: The window so far.
        refused: The refused entries.
        times: The times of all entries of the stream before the window was applied.
        sent: The times that they were sent with.
        loki_ns: The time of Loki's clock, Unix nanoseconds.
        newest: The newest time that Loki is known to have of the stream.
        tries: The number of corrections so far.
        has_own_times: False for entries with the time of reading, which Loki's clock replaces.
    """
    found = window or Window()
    early = [refusal for refusal in refused if refusal.reason != "too_new"]
    late = [refusal for refusal in refused if refusal.reason == "too_new"]
    if early:
        found = _raised(found, early, times, sent, newest)
        if not has_own_times and all(refusal.reason == "too_old" for refusal in early):
            found = msgspec.structs.replace(found, low_at=max(found.low_at, loki_ns))
    if not late:
        return Corrected(found, is_closed=False)
    earliest = max(found.low_at, newest - BEHIND_NS)
    refused_at = min(sent[refusal.entry] for refusal in late)
    at = loki_ns if loki_ns < refused_at else refused_at - (_STEP_NS << min(tries, _MOST_STEPS))
    high = min(found.high, *(times[refusal.entry] - 1 for refusal in late))
    if at < earliest or any(times[refusal.entry] < found.low for refusal in late):
        return Corrected(Window(), is_closed=True)  # after a wait, Loki's answers to the own times show a new window
    return Corrected(msgspec.structs.replace(found, high=high, high_at=at), is_closed=False)


def _raised(
    window: Window, refused: Sequence[Refusal], times: Sequence[int], sent: Sequence[int], newest: int
) -> Window:
    """Return the window with a later start."""
    low = max(window.low, *(times[refusal.entry] + 1 for refusal in refused))
    starts = [window.low_at, *(_acceptable(refusal, sent, newest) for refusal in refused)]
    return msgspec.structs.replace(window, low=low, low_at=max(starts))


def _acceptable(refusal: Refusal, sent: Sequence[int], newest: int) -> int:
    """Return a time that Loki accepts for an entry that it called too old or too far behind."""
    if refusal.reason == "too_far_behind":
        return refusal.limit + _SECOND_NS if refusal.limit else max(newest, *sent)
    oldest = refusal.limit or max(sent[refusal.entry] + _DAY_NS, newest)
    return max(oldest + _HOUR_NS, newest - BEHIND_NS)
