"""The delay before a restart: it doubles with each failure and starts over after a long run."""

from __future__ import annotations


class RestartDelay:
    """The delays of one task that is restarted whenever it ends.

    Args:
        first: Seconds before the first restart.
        longest: Limit of the delay, in seconds.
        healthy: Seconds that a run must last for the next delay to be the first again; `longest` by default.
    """

    def __init__(self, first: float, longest: float, *, healthy: float | None = None) -> None:
        self._first = first
        self._longest = longest
        self._healthy = longest if healthy is None else healthy
        self._next = first

    def after(self, lived: float) -> float:
        """Return the seconds to wait after a run of `lived` seconds."""
        if lived >= self._healthy:
            self.reset()
        delay = self._next
        self._next = min(2 * delay, self._longest)
        return delay

    def reset(self) -> None:
        """Make the next delay the first one."""
        self._next = self._first
