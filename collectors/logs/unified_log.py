"""macOS's unified log, as `log stream --style ndjson` writes it: one entry a line.

It has no position to go on from: what is logged while the agent does not run stays in the unified log alone. Written
after log(1); not run, as no macOS machine was at hand.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from collectors.logs.command import Command
from collectors.logs.recent import NOTHING
from collectors.logs.records import Batch


@dataclass(frozen=True, slots=True)
class UnifiedLogSettings:
    """How the unified log is read.

    Attributes:
        predicate: What `log stream --predicate` takes to choose entries; empty for all.
        command: The command that reads it.
        flush_after: Seconds without a new line after which an open entry of many lines is to be ended.
    """

    predicate: str = ""
    command: tuple[str, ...] = ("/usr/bin/log",)
    flush_after: float = 5.0


class UnifiedLogSource:
    """The unified log as one source.

    Args:
        name: The source's name.
        settings: How it is read.
    """

    def __init__(self, name: str, settings: UnifiedLogSettings) -> None:
        self.name = name
        self.settings = settings
        self.command = Command(self._arguments, self._deliver, settings.flush_after)
        self._recent = NOTHING

    async def run(self, handle: Callable[[Batch], Awaitable[int]]) -> None:
        """Read for ever. Ends only by cancellation, or by what `handle` raises."""
        self._handle = handle
        await self.command.run()

    def _arguments(self) -> Sequence[str]:
        chosen = ("--predicate", self.settings.predicate) if self.settings.predicate else ()
        return (*self.settings.command, "stream", "--style", "ndjson", *chosen)

    async def _deliver(self, lines: list[bytes], final: bool) -> int:  # noqa: FBT001 - as Command calls it
        batch = Batch(self.name, lines, time.time_ns(), {}, final, recent=self._recent)
        consumed = await self._handle(batch)
        self._recent = batch.recent
        return consumed
