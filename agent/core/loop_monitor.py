"""The monitor of the event loop's lag, which feeds the watchdog only while the loop is healthy."""

from __future__ import annotations

import asyncio
import time

from agent.core import sd_notify
from collectors.metrics import Family, Histogram, histogram

INTERVAL = 0.25
"""Seconds between two measurements. Shorter stalls are detected in proportion to their length."""

UNHEALTHY_LAG = 5.0
"""Seconds of lag from which the loop is unhealthy; scrapes time out at twice that."""

_BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)


class LoopMonitor:
    """The lag of the event loop: the delay of a timer after its due time, in seconds."""

    def __init__(self) -> None:
        self._lags = Histogram(_BOUNDS)
        self.last = 0.0

    async def run(self) -> None:
        """Measure until cancelled; notify the service manager's watchdog while the loop is healthy."""
        wanted = sd_notify.watchdog_interval()
        fed = time.monotonic()
        while True:
            due = time.monotonic() + INTERVAL
            await asyncio.sleep(INTERVAL)
            now = time.monotonic()
            self.last = max(0.0, now - due)
            self._lags.observe(self.last)
            if wanted and self.last < UNHEALTHY_LAG and now - fed >= wanted / 4:
                sd_notify.alive()
                fed = now

    def family(self) -> Family:
        """Return `wr_agent_event_loop_lag_seconds`."""
        return histogram(
            "wr_agent_event_loop_lag_seconds",
            "Delay of a timer on the agent's event loop after its due time.",
            {(): self._lags.value()},
        )
