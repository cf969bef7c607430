"""Measures how late the event loop is, and feeds the watchdog only while it is healthy."""

from __future__ import annotations

import asyncio
import time

from agent.core import sd_notify
from collectors.metrics import Family, Histogram, histogram

INTERVAL = 0.25
"""Seconds between two looks: a stall longer than this is seen whole, a shorter one with that chance."""

UNHEALTHY_LAG = 5.0
"""Seconds of lag from which the loop counts as unhealthy: scrapes time out at twice that."""

_BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)


class LoopMonitor:
    """The lag of the event loop: how much later than asked a timer fires, in seconds."""

    def __init__(self) -> None:
        self._lags = Histogram(_BOUNDS)
        self.last = 0.0

    async def run(self) -> None:
        """Measure until cancelled; tell the service manager's watchdog of every healthy look that it waits for."""
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
        """`wr_agent_event_loop_lag_seconds`."""
        return histogram(
            "wr_agent_event_loop_lag_seconds",
            "How late the agent's event loop served a timer.",
            {(): self._lags.value()},
        )
