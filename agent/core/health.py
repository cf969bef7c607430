"""The current outcomes of all checks of the daemon."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from agent.core.diagnosis import Diagnosis, Outcome, diagnose
from collectors.base import Collector
from collectors.offloop import Workers

SETTLE = 3.0
"""Seconds to measure before the first round; collectors find present devices within this time."""

INTERVAL = 5.0
"""Seconds between two rounds of checks without a request."""

FRESH = 2.0
"""Seconds for which a request reuses the last outcomes."""


class Health:
    """The checks of the running collectors, and their last outcomes.

    Args:
        configuration: The agent's configuration file, which remedies name; `None` for the built-in defaults.
    """

    def __init__(self, configuration: Path | None = None) -> None:
        self._configuration = configuration
        self._workers = Workers("checks")
        self._sources: dict[str, Diagnosis] = {}
        self._outcomes: Sequence[Outcome] = ()
        self._asked = -FRESH
        self._lock = asyncio.Lock()

    @property
    def last(self) -> Sequence[Outcome]:
        """The outcomes of the last round."""
        return self._outcomes

    def add(self, collector: Collector) -> None:
        """Add a collector's checks to the next round."""
        self._sources[collector.name] = Diagnosis(collector.checks(), self._configuration, self._workers)

    def remove(self, name: str) -> None:
        """Remove a collector's checks from the next round."""
        self._sources.pop(name, None)

    async def outcomes(self) -> Sequence[Outcome]:
        """Return outcomes at most `FRESH` seconds old; concurrent callers share one round."""
        async with self._lock:
            if time.monotonic() - self._asked >= FRESH:
                self._outcomes = await diagnose(list(self._sources.values()))
                self._asked = time.monotonic()
            return self._outcomes

    async def run(self) -> None:
        """Run the checks every `INTERVAL` until cancelled."""
        await asyncio.sleep(SETTLE)
        while True:
            await self.outcomes()
            await asyncio.sleep(INTERVAL)
