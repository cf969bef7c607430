"""Between when and when an xrun was that JACK has told of. Pure: JACK itself does not say.

It was after the last look at which there was none, and before it was noticed. A process that stood still is told
afterwards of what was meanwhile, one by one, as libjack reads it: what it is told just then may be as old as the rest.
"""

from __future__ import annotations

_STALL_NS = 150_000_000
"""Looks further apart than this: the process stood still."""
_BACKLOG_NS = 250_000_000
"""What libjack needs at most to read what has come since."""


class XrunTimes:
    """The times of one connection's xruns.

    Args:
        now_ns: When it began, on the monotonic clock.
    """

    def __init__(self, now_ns: int) -> None:
        self._since_ns = now_ns
        self._looked_ns = now_ns
        self._backlog_until_ns = 0

    def told(self, now_ns: int) -> int:
        """The earliest time of an xrun that is noticed now."""
        since_ns = self._since_ns
        self._look(now_ns)
        if now_ns >= self._backlog_until_ns:
            self._since_ns = now_ns
        return since_ns

    def quiet(self, until_ns: int, now_ns: int) -> None:
        """There was none until then, when waiting was to end; it is later now if the process stood still since."""
        self._since_ns = max(self._since_ns, until_ns)
        self._look(now_ns)

    def _look(self, now_ns: int) -> None:
        if now_ns - self._looked_ns > _STALL_NS:
            self._backlog_until_ns = now_ns + _BACKLOG_NS
        self._looked_ns = now_ns
