"""The earliest and latest time of an xrun that JACK reported. Pure: JACK itself reports no time.

An xrun lies between the last wait that ended without one and the moment of its report. A process that was stopped
receives the reports of that time one by one afterwards. So a report right after a stop may be as old as the stop.
"""

from __future__ import annotations

_STALL_NS = 150_000_000
"""Waits further apart than this show that the process was stopped."""
_BACKLOG_NS = 250_000_000
"""The longest time that libjack needs to read the reports of a stop."""


class XrunTimes:
    """The times of one connection's xruns.

    Args:
        now_ns: Monotonic time of the connection's start.
    """

    def __init__(self, now_ns: int) -> None:
        self._since_ns = now_ns
        self._looked_ns = now_ns
        self._backlog_until_ns = 0

    def reported(self, now_ns: int) -> int:
        """Take in a report and return the earliest time of its xrun."""
        since_ns = self._since_ns
        self._look(now_ns)
        if now_ns >= self._backlog_until_ns:
            self._since_ns = now_ns
        return since_ns

    def quiet(self, until_ns: int, now_ns: int) -> None:
        """Take in a wait that ended without a report.

        Args:
            until_ns: Planned end of the wait.
            now_ns: Actual end, later if the process was stopped.
        """
        self._since_ns = max(self._since_ns, until_ns)
        self._look(now_ns)

    def _look(self, now_ns: int) -> None:
        if now_ns - self._looked_ns > _STALL_NS:
            self._backlog_until_ns = now_ns + _BACKLOG_NS
        self._looked_ns = now_ns
