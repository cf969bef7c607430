"""Runs each log source apart: an unexpected error stops its own source alone, which is restarted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

from collectors.logs.records import Batch
from collectors.plain_errors import unexpected
from collectors.restart_delay import RestartDelay

log = structlog.get_logger()

Handle = Callable[[Batch], Awaitable[int]]

_FIRST_DELAY, _LONGEST_DELAY = 1.0, 60.0


class Guard:
    """The restarts of one source.

    Args:
        name: The source's name.
        run: Reads the source and delivers its batches.
        handle: Receives the batches.

    Attributes:
        name: The source's name.
        problem: The error that stopped the source; empty while it runs.
    """

    def __init__(self, name: str, run: Callable[[Handle], Awaitable[None]], handle: Handle) -> None:
        self.name = name
        self.problem = ""
        self._run = run
        self._handle = handle

    async def run(self) -> None:
        """Run the source until cancelled, and restart it after an error."""
        restart = RestartDelay(_FIRST_DELAY, _LONGEST_DELAY)
        while True:
            started = time.monotonic()
            try:
                await self._run(self._deliver)
            except Exception as error:
                if not self.problem:
                    log.exception("log source failed", source=self.name)
                self.problem = unexpected(error)
            await asyncio.sleep(restart.after(time.monotonic() - started))

    async def _deliver(self, batch: Batch) -> int:
        consumed = await self._handle(batch)
        self.problem = ""
        return consumed
