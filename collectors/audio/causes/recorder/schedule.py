"""The times of the recorder's looks. Pure."""

from __future__ import annotations

_SECOND_NS = 1_000_000_000
LOOK_NS = 200_000_000
"""The time between two looks at the lively threads. A suspicion starts a burst of closer ones."""
_SUSPECT_PAUSE_NS = 250_000_000
"""The shortest time between two looks at everything."""
_IDLE_NS = 10 * _SECOND_NS
"""The pause while there is nothing to watch, which a server or a probe ends."""
_FAILED_NS = _SECOND_NS
_BURST_NS = tuple(milliseconds * 1_000_000 for milliseconds in (0, 5, 10, 20, 40, 80, 160))
"""The times of the looks at the audio threads after a suspicion."""
_IDLE_TOO = frozenset({0, 4, 6})
"""The numbers of those that include the idle threads."""
_BURST_PAUSE_NS = _SECOND_NS // 3


class Tokens:
    """A limit of events a second, which may come at once."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._left = float(rate)
        self._at_ns = 0

    def are_left(self, now_ns: int) -> bool:
        """Return whether an event is allowed now."""
        self._left = min(self._left + (now_ns - self._at_ns) / _SECOND_NS * self._rate, self._rate)
        self._at_ns = now_ns
        return self._left >= 1

    def take(self) -> None:
        """Take in an event."""
        self._left -= 1


class Schedule:
    """The times of the looks.

    Args:
        now_ns: Monotonic time.

    """

    def __init__(self, now_ns: int) -> None:
        self._due_ns = now_ns
        self._closely_ns = 0
        self._rests = False
        self._burst_ns = 0
        self._burst_next = len(_BURST_NS)

    @property
    def next_ns(self) -> int:
        """The time of the next look of either kind."""
        if self._burst_next == len(_BURST_NS):
            return self._due_ns
        return min(self._due_ns, self._burst_ns + _BURST_NS[self._burst_next])

    def rest(self, now_ns: int) -> None:
        """Take in that there is nothing to watch."""
        self._due_ns = now_ns + _IDLE_NS
        self._burst_next = len(_BURST_NS)
        self._rests = True

    def resume(self, now_ns: int) -> None:
        """Take in that there is something to watch."""
        if self._rests:
            self._due_ns = now_ns
            self._rests = False

    def suspect(self, now_ns: int) -> None:
        """Start a burst of looks, unless one started a short time ago."""
        if now_ns - self._burst_ns >= _BURST_PAUSE_NS:
            self._burst_ns, self._burst_next = now_ns, 0

    def take_burst(self, now_ns: int) -> bool | None:
        """Return whether the look of a burst that is due includes the idle threads; None if none is due."""
        number = None
        while self._burst_next < len(_BURST_NS) and now_ns >= self._burst_ns + _BURST_NS[self._burst_next]:
            number = self._burst_next
            self._burst_next += 1
        return None if number is None else number in _IDLE_TOO

    def take_close(self, now_ns: int) -> bool:
        """Return whether a look at everything is allowed now, and begin it."""
        if now_ns - self._closely_ns < _SUSPECT_PAUSE_NS:
            return False
        self._closely_ns = now_ns
        return True

    def take_regular(self, now_ns: int) -> bool:
        """Return whether the regular look is due, and begin it."""
        if now_ns < self._due_ns:
            return False
        self._due_ns = max(self._due_ns + LOOK_NS, now_ns)
        return True

    def fail(self, now_ns: int) -> None:
        """Take in a failed look: the next one is later."""
        self._due_ns = now_ns + _FAILED_NS
        self._burst_next = len(_BURST_NS)
