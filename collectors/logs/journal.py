"""The systemd journal, as `journalctl --output=json` writes it: one entry a line, its cursor the position.

The entries go on as they are; their time, message and labels are taken from them by stages. The format is that of
https://systemd.io/JOURNAL_EXPORT_FORMATS/#journal-json-format, by which a field with colours in it, or with what is no
UTF-8, is an array of its bytes: these become text again.
"""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from collectors.logs.command import Command
from collectors.logs.files.positions import Positions
from collectors.logs.recent import NOTHING
from collectors.logs.records import Batch
from collectors.offloop import start

_ARRAY = re.compile(rb'" ?: ?\[')


@dataclass(frozen=True, slots=True)
class JournalSettings:
    """How the journal is read.

    Attributes:
        matches: What `journalctl` takes to choose entries, such as `_SYSTEMD_UNIT=nginx.service` or `--user`.
        since: From where on at the very first start, in a form that `journalctl --since` takes.
        command: The command that reads it.
        flush_after: Seconds without a new line after which an open entry of many lines is to be ended.
    """

    matches: tuple[str, ...] = ()
    since: str = "-1h"
    command: tuple[str, ...] = ("journalctl",)
    flush_after: float = 5.0


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
        self.command = Command(self._arguments, self._deliver, settings.flush_after)
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
        begin = f"--after-cursor={cursor}" if cursor else f"--since={self.settings.since}"
        fixed = ("--follow", "--no-tail", "--output=json", "--all", "--quiet", begin)
        return (*self.settings.command, *fixed, *self.settings.matches)

    async def _deliver(self, lines: list[bytes], final: bool) -> int:  # noqa: FBT001 - as Command calls it
        # Off the loop: a batch of nothing but coloured messages takes longer than the loop may be held.
        entries = await start(lambda: [_as_text(line) for line in lines], "journal entries")
        batch = Batch(self.name, entries, _time(lines[0]), {}, final, recent=self._recent)
        consumed = await self._handle(batch)
        self._recent = batch.recent
        if consumed and (cursor := _entry(lines[consumed - 1]).cursor):
            self._positions.put_cursor(self.name, cursor)
        return consumed


def _time(line: bytes) -> int:
    """When an entry was received, in Unix nanoseconds: the same at every reading; now, if it does not say so."""
    realtime = _entry(line).realtime
    return int(realtime) * 1000 if realtime.isdecimal() else time.time_ns()


def _as_text(line: bytes) -> bytes:
    """The entry with text in place of arrays of bytes."""
    if not _ARRAY.search(line):
        return line
    try:
        fields = msgspec.json.decode(line, type=dict[str, Any])
    except msgspec.DecodeError:
        return line  # an overlong entry that was cut
    return msgspec.json.encode({name: _field_as_text(value) for name, value in fields.items()})


def _field_as_text(value: object) -> object:
    if not isinstance(value, list):
        return value
    try:
        return bytes(value).decode(errors="replace")
    except (TypeError, ValueError):
        return value  # a field that the entry has several times


def _entry(line: bytes) -> _Entry:
    try:
        return msgspec.json.decode(line, type=_Entry)
    except msgspec.DecodeError:
        return _Entry()  # an overlong entry that was cut
