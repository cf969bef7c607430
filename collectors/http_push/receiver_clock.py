"""A receiver's clock, as the dates of its answers show it.

A wrong clock of this machine makes Loki refuse entries. Once it did, times of reading follow Loki's clock until the two
agree. A step of this machine's clock does not move the estimate, which counts on a monotonic clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache

from collectors.http_push.answer import http_date

AGREE_NS = 60 * 10**9
"""The difference in nanoseconds below which two clocks agree."""

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # both go on while the machine sleeps
_HALF_SECOND_NS = 500_000_000


def _elapsed_ns() -> int:
    return time.clock_gettime_ns(_CLOCK)


@lru_cache(maxsize=4)  # a fast sender gets many answers in one second
def _unix_seconds(date: str) -> int:
    """Return the instant of an HTTP date.

    Raises:
        ValueError: The text is no date.
    """
    return int(http_date(date))


class ReceiverClock:
    """An estimate of a receiver's clock.

    Args:
        ours: This machine's clock, Unix nanoseconds.
        elapsed: A monotonic clock, nanoseconds.
    """

    def __init__(self, ours: Callable[[], int] = time.time_ns, elapsed: Callable[[], int] = _elapsed_ns) -> None:
        self._ours = ours
        self._elapsed = elapsed
        self._offset: int | None = None
        self._distrusted = False

    def answered(self, date: str) -> None:
        """Take the date of an answer, in the form of HTTP."""
        try:
            seconds = _unix_seconds(date)
        except ValueError:
            return
        self._offset = seconds * 10**9 + _HALF_SECOND_NS - self._elapsed()
        if self._distrusted and abs(self.difference_ns) < AGREE_NS:
            self._distrusted = False

    def distrust(self) -> None:
        """Follow the receiver's clock from now on, as it refused a time of this machine's clock."""
        self._distrusted = abs(self.difference_ns) >= AGREE_NS

    @property
    def is_known(self) -> bool:
        """True if an answer has had a date."""
        return self._offset is not None

    @property
    def difference_ns(self) -> int:
        """The nanoseconds that this machine's clock is ahead of the receiver's; 0 if unknown."""
        return 0 if self._offset is None else self._ours() - self.receiver_ns()

    def receiver_ns(self) -> int:
        """Return the time of the receiver's clock, or of this machine's if the receiver's is unknown."""
        return self._ours() if self._offset is None else self._offset + self._elapsed()

    def now_ns(self) -> int:
        """Return the time for lines without a time of their own."""
        ours = self._ours()
        if not self._distrusted or abs(ours - self.receiver_ns()) < AGREE_NS:
            return ours
        return self.receiver_ns()


def difference_shown(difference: int, url: str) -> str:
    """Return the text of a finding about a difference of clocks in nanoseconds, positive if this machine is ahead."""
    side = "ahead of" if difference > 0 else "behind"
    return (
        f"Expected a difference below {AGREE_NS // 10**9} s. Found this machine's clock"
        f" {abs(difference) / 1e9:.0f} s {side} the dates that {url} answers with."
    )
