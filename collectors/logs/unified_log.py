"""macOS's unified log from `log stream --style ndjson`: one entry a line.

The stream has no position. Entries logged while the agent is stopped stay in the unified log alone. The module follows
log(1) and has not run on macOS.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from collectors.logs.command import Command
from collectors.logs.history import NOTHING
from collectors.logs.records import Batch


@dataclass(frozen=True, slots=True)
class UnifiedLogSettings:
    """The settings of a unified log source.

    Attributes:
        predicate: The predicate of `log stream` that chooses entries; empty for all.
        command: The command that reads the log.
        flush_after: Seconds without a new line that end an open entry of several lines.
    """

    predicate: str = ""
    command: tuple[str, ...] = ("/usr/bin/log",)
    flush_after: float = 5.0


class UnifiedLogSource:
    """The unified log as a log source.

    Args:
        name: The source's name.
        settings: Its settings.
    """

    def __init__(self, name: str, settings: UnifiedLogSettings) -> None:
        self.name = name
        self.settings = settings
        self.command = Command(self._arguments, self._deliver, settings.flush_after)
        self._recent = NOTHING

    async def run(self, handle: Callable[[Batch], Awaitable[int]]) -> None:
        """Read until cancelled; an error of `handle` ends it too."""
        self._handle = handle
        await self.command.run()

    def _arguments(self) -> Sequence[str]:
        chosen = ("--predicate", self.settings.predicate) if self.settings.predicate else ()
        return (*self.settings.command, "stream", "--style", "ndjson", *chosen)

    async def _deliver(self, lines: list[bytes], final: bool, true_bytes: int) -> int:  # noqa: FBT001 - as Deliver
        batch = Batch(self.name, lines, time.time_ns(), {}, final, true_bytes=true_bytes, recent=self._recent)
        consumed = await self._handle(batch)
        self._recent = batch.recent
        return consumed
