"""What the daemon knows to be wrong: the outcomes of all checks, kept fresh."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from agent.core.diagnosis import Diagnosis, Outcome, diagnose
from collectors.base import Collector

SETTLE = 3.0
"""Seconds to measure before the first round: a device that is there has been seen by then."""

INTERVAL = 5.0
"""Seconds between two rounds of the checks while nobody asks."""

FRESH = 2.0
"""Seconds for which outcomes are given to whoever asks without looking again."""


class Health:
    """The checks of the collectors that run now, and their last outcomes."""

    def __init__(self) -> None:
        self._sources: dict[str, Diagnosis] = {}
        self._outcomes: Sequence[Outcome] = ()
        self._asked = -FRESH
        self._lock = asyncio.Lock()

    @property
    def last(self) -> Sequence[Outcome]:
        """The outcomes of the last round."""
        return self._outcomes

    def add(self, collector: Collector) -> None:
        """Include a collector's checks from the next round on."""
        self._sources[collector.name] = Diagnosis(collector.checks())

    def remove(self, name: str) -> None:
        """Leave a collector's checks out from the next round on."""
        self._sources.pop(name, None)

    async def outcomes(self) -> Sequence[Outcome]:
        """Outcomes at most `FRESH` seconds old; those who ask together share one round."""
        async with self._lock:
            if time.monotonic() - self._asked >= FRESH:
                self._outcomes = await diagnose(list(self._sources.values()))
                self._asked = time.monotonic()
            return self._outcomes

    async def run(self) -> None:
        """Ask every `INTERVAL` until cancelled."""
        await asyncio.sleep(SETTLE)
        while True:
            await self.outcomes()
            await asyncio.sleep(INTERVAL)
