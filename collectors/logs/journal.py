"""The systemd journal from `journalctl --output=json`: one entry a line, with its cursor as the position.

Stages take time, message and labels from the entries. The format is
https://systemd.io/JOURNAL_EXPORT_FORMATS/#journal-json-format. In it, a field with colours or invalid UTF-8 is an array
of bytes. The source converts these arrays to text.
"""

from __future__ import annotations

import errno
import re
import subprocess
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from collectors.child_process import ending
from collectors.logs.command import Command
from collectors.logs.files.positions import Positions
from collectors.logs.history import NOTHING
from collectors.logs.records import Batch
from collectors.logs.stages.lenient_json import members
from collectors.offloop import start

COMMAND = ("journalctl",)
"""The command that reads the journal."""

_ARRAY = re.compile(rb'" ?: ?\[')


@dataclass(frozen=True, slots=True)
class JournalSettings:
    """The settings of a journal source.

    Attributes:
        units: Units whose entries are read; all without any.
        matches: Matches of `journalctl` that choose entries, such as `SYSLOG_IDENTIFIER=sudo`.
        since: The begin at the very first start, in the syntax of `journalctl --since`.
        command: The command that reads the journal.
        flush_after: Seconds without a new line that end an open entry of several lines.
    """

    units: tuple[str, ...] = ()
    matches: tuple[str, ...] = ()
    since: str = "-1h"
    command: tuple[str, ...] = COMMAND
    flush_after: float = 5.0


class _Entry(msgspec.Struct):
    cursor: str = msgspec.field(name="__CURSOR", default="")
    realtime: str = msgspec.field(name="__REALTIME_TIMESTAMP", default="")


class JournalSource:
    """The journal as a log source.

    Args:
        name: The source's name.
        settings: Its settings.
        positions: The store of the acknowledged cursor.
    """

    def __init__(self, name: str, settings: JournalSettings, positions: Positions) -> None:
        self.name = name
        self.settings = settings
        self.command = Command(self._arguments, self._deliver, settings.flush_after)
        self._positions = positions
        self._recent = NOTHING

    async def run(self, handle: Callable[[Batch], Awaitable[int]]) -> None:
        """Read until cancelled, then save the cursor; an error of `handle` ends it too."""
        self._handle = handle
        try:
            await self.command.run()
        finally:
            await self._positions.save()

    def _arguments(self) -> Sequence[str]:
        cursor = self._positions.cursor(self.name)
        begin = f"--after-cursor={cursor}" if cursor else f"--since={self.settings.since}"
        fixed = ("--follow", "--no-tail", "--output=json", "--all", "--quiet", begin)
        units = (f"--unit={unit}" for unit in self.settings.units)
        return (*self.settings.command, *fixed, *units, *self.settings.matches)

    async def _deliver(self, lines: list[bytes], final: bool, true_bytes: int) -> int:  # noqa: FBT001 - as Deliver
        # Off the loop: a batch of coloured messages takes longer than the loop may block.
        entries = await start(lambda: [_as_text(line) for line in lines], "journal entries")
        batch = Batch(self.name, entries, entry_time(lines[0]), {}, final, true_bytes=true_bytes, recent=self._recent)
        consumed = await self._handle(batch)
        self._recent = batch.recent
        if consumed and (cursor := _entry(lines[consumed - 1]).cursor):
            self._positions.put_cursor(self.name, cursor)
        return consumed


def newest(count: int, deadline: float) -> list[bytes]:
    """Return the newest entries that this user may read, the oldest first, with text in place of arrays of bytes.

    Fields of more than 4 KiB are `null`, so that the entries stay small.

    Args:
        count: The most entries.
        deadline: Seconds for the command.

    Raises:
        OSError: The command cannot be run, fails, or takes too long. `strerror` has the reason.
    """
    arguments = [*COMMAND, "--output=json", "--quiet", "--no-pager", f"--lines={count}"]
    try:
        ended = subprocess.run(arguments, stdin=subprocess.DEVNULL, capture_output=True, timeout=deadline, check=False)  # noqa: S603 - no text of others is in it
    except subprocess.TimeoutExpired:
        raise TimeoutError(errno.ETIMEDOUT, f"no answer within {deadline:g} s", COMMAND[0]) from None
    if ended.returncode:
        said = ended.stderr.decode(errors="replace").strip().splitlines()
        raise OSError(errno.EIO, said[-1] if said else f"ended with {ending(ended.returncode)}", COMMAND[0])
    return [_as_text(line) for line in ended.stdout.splitlines()]


def entry_time(line: bytes) -> int:
    """Return the receive time of an entry in Unix nanoseconds; the current time if it has none."""
    realtime = _entry(line).realtime
    return int(realtime) * 1000 if realtime.isdecimal() else time.time_ns()


def _as_text(line: bytes) -> bytes:
    """Return the entry with text in place of arrays of bytes."""
    if not _ARRAY.search(line):
        return line
    try:
        fields = msgspec.json.decode(line, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):
        return line  # an overlong entry, cut by the reader
    return msgspec.json.encode({name: _field_as_text(value) for name, value in fields.items()})


def _field_as_text(value: object) -> object:
    """Return an array of bytes as text, and the values of a field that has several without repetitions."""
    if not isinstance(value, list):
        return value
    try:
        return bytes(value).decode(errors="replace")
    except (TypeError, ValueError):
        values = list(dict.fromkeys(map(str, map(_field_as_text, value))))
        return values[0] if len(values) == 1 else values


def _entry(line: bytes) -> _Entry:
    try:
        return msgspec.json.decode(line, type=_Entry)
    except (msgspec.DecodeError, RecursionError):
        found = _members(line)  # an overlong entry, cut by the reader
        return _Entry(str(found.get("__CURSOR", "")), str(found.get("__REALTIME_TIMESTAMP", "")))


def _members(line: bytes) -> dict[str, Any]:
    try:
        return members(line)
    except ValueError:
        return {}
