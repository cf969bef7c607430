"""The systemd journal, as `journalctl --output=json` writes it: one entry a line, its cursor the position.

The entries go on as they are; their time, message and labels are taken from them by stages. The format is that of
https://systemd.io/JOURNAL_EXPORT_FORMATS/#journal-json-format.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import msgspec

from collectors.logs.command import Command
from collectors.logs.files.positions import Positions
from collectors.logs.recent import NOTHING
from collectors.logs.records import Batch


@dataclass(frozen=True, slots=True)
class JournalSettings:
    """How the journal is read.

    Attributes:
        matches: What `journalctl` takes to choose entries, such as `_SYSTEMD_UNIT=nginx.service` or `--user`.
        since: From where on at the very first start, in a form that `journalctl --since` takes.
        command: The command that reads it.
    """

    matches: tuple[str, ...] = ()
    since: str = "-1h"
    command: tuple[str, ...] = ("journalctl",)


class _Entry(msgspec.Struct):
    cursor: str = msgspec.field(name="__CURSOR", default="")
    realtime: str = msgspec.field(name="__REALTIME_TIMESTAMP", default="")


class JournalSource:
    """The journal as one source.

    Args:
        name: The source's name.
        settings: How it is read.
        positions: Where the acknowledged cursor is kept.
    """

    def __init__(self, name: str, settings: JournalSettings, positions: Positions) -> None:
        self.name = name
        self.settings = settings
        self.command = Command(self._arguments, self._deliver)
        self._positions = positions
        self._recent = NOTHING

    async def run(self, handle: Callable[[Batch], Awaitable[int]]) -> None:
        """Read for ever. Ends only by cancellation, after the cursor was saved, or by what `handle` raises."""
        self._handle = handle
        try:
            await self.command.run()
        finally:
            await self._positions.save()

    def _arguments(self) -> Sequence[str]:
        cursor = self._positions.cursor(self.name)
        start = f"--after-cursor={cursor}" if cursor else f"--since={self.settings.since}"
        fixed = ("--follow", "--no-tail", "--output=json", "--all", "--quiet", start)
        return (*self.settings.command, *fixed, *self.settings.matches)

    async def _deliver(self, lines: list[bytes], final: bool) -> int:  # noqa: FBT001 - as Command calls it
        batch = Batch(self.name, lines, _time(lines[0]), {}, final, recent=self._recent)
        consumed = await self._handle(batch)
        self._recent = batch.recent
        if consumed and (cursor := _entry(lines[consumed - 1]).cursor):
            self._positions.put_cursor(self.name, cursor)
        return consumed


def _time(line: bytes) -> int:
    """When an entry was received, in Unix nanoseconds: the same at every reading; now, if it does not say so."""
    realtime = _entry(line).realtime
    return int(realtime) * 1000 if realtime.isdecimal() else time.time_ns()


def _entry(line: bytes) -> _Entry:
    try:
        return msgspec.json.decode(line, type=_Entry)
    except msgspec.DecodeError:
        return _Entry()  # an overlong entry that was cut
