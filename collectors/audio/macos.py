"""Overloads that CoreAudio writes to macOS's unified log. Tested on published text, never on a Mac.

Owns the `log stream` child and the parser of overloads; `causes.macos` parses their causes. Two messages report a cycle
that was not on time: `Audio IO Overload inputs: ...` of coreaudiod (HALS_OverloadMessage), and
`HALC_ProxyIOContext::IOWorkLoop: skipping cycle due to overload` of the program that missed it. One overload often
causes both, and several lines. They are observations, which `dropouts` merges. The fields of a line are those of
`log stream --style ndjson`.
"""

from __future__ import annotations

import asyncio
import json
import time
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime

from collectors.audio.causes import macos as causes
from collectors.audio.causes.evidence import Incident
from collectors.audio.dropouts import Observation
from collectors.child_process import end_child, start_child
from collectors.findings import Finding, Severity
from collectors.plain_errors import plain_text
from collectors.restart_delay import RestartDelay

_OVERLOAD = "Audio IO Overload"
_SKIPPED = "skipping cycle due to overload"
_HINT = "Overload possibly due to"
_PREWARMING = "prewarming: yes"
_OLDEST_SECONDS = 10.0
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 60.0
_LINE_BYTES = 65_536
_COMPLAINT_CHARACTERS = 500

_OF_SERVER = (
    f'eventMessage CONTAINS "{_OVERLOAD}" OR eventMessage CONTAINS "{_HINT}" OR '
    '(eventMessage CONTAINS "issue_type" AND eventMessage CONTAINS "overload")'
)
LOG_STREAM = (
    *("/usr/bin/log", "stream", "--style", "ndjson", "--predicate"),
    f'(process == "coreaudiod" AND ({_OF_SERVER})) OR eventMessage CONTAINS "{_SKIPPED}"',
)


def parse_overload(line: bytes, wall: float, now_ns: int) -> Observation | None:
    """Return the overload that a line reports; None for every other line and while a device warms up.

    Args:
        line: One line of `log stream --style ndjson`; the first line is not JSON.
        wall: The time of day in seconds since the epoch.
        now_ns: The same instant on the monotonic clock.
    """
    try:
        event = json.loads(line)
        message, timestamp = event["eventMessage"], event["timestamp"]
        age = wall - datetime.fromisoformat(timestamp).timestamp()
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
    if not isinstance(message, str) or not _reports_overload(message):
        return None
    plausible_age = age if 0 <= age <= _OLDEST_SECONDS else 0.0  # outside: the time of day was set
    at_ns = now_ns - int(plausible_age * 1e9)
    return Observation("coreaudio", "overload", at_ns, at_ns)


def _reports_overload(message: str) -> bool:
    return (_OVERLOAD in message or _SKIPPED in message) and _PREWARMING not in message


class CoreAudioLog:
    """The reader of the unified log.

    Args:
        observed: Called on the event loop with each overload.
        command: The command to run; a seam for tests.
        explained: Called on the event loop with each message about the cause of an overload.
    """

    def __init__(
        self,
        observed: Callable[[Observation], None],
        command: Sequence[str] = LOG_STREAM,
        explained: Callable[[Incident], None] = lambda _: None,
    ) -> None:
        self._observed = observed
        self._explained = explained
        self._command = command
        self._failure = ""

    async def run(self) -> None:
        """Follow the log until cancelled, which ends the child; restart a child that ended, with back-off."""
        restart = RestartDelay(_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS)
        while True:
            try:
                heard = await self._follow()
            except OSError as error:
                heard, self._failure = False, plain_text(error)
            if heard:
                restart.reset()
            await asyncio.sleep(restart.after(0))

    def findings(self) -> list[Finding]:
        """Return the finding that overloads are not read, if so."""
        return [_not_followed(self._failure)] if self._failure else []

    async def _follow(self) -> bool:
        """Run the child once; return whether it printed anything."""
        process = await start_child(*self._command, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, limit=_LINE_BYTES)
        complaint = asyncio.create_task(_complaint(process.stderr))
        heard = False
        try:
            while line := await _line(process.stdout):
                heard, self._failure = True, ""
                self._take(line, time.time(), time.monotonic_ns())
            self._failure = await complaint or "it ended"
        finally:
            complaint.cancel()
            await end_child(process)
        return heard

    def _take(self, line: bytes, wall: float, now_ns: int) -> None:
        message = causes.parse(line, wall, now_ns)
        if message is not None:
            self._explained(message)
        overload = parse_overload(line, wall, now_ns)
        if overload is not None:
            self._observed(overload)


async def _line(stream: asyncio.StreamReader | None) -> bytes:
    """Return the next line, empty at the end; of a line over `_LINE_BYTES` at most its tail, which is not JSON."""
    while stream is not None:
        with suppress(ValueError):  # asyncio raises it for a line over its limit, after discarding the line
            return await stream.readline()
    return b""


async def _complaint(stream: asyncio.StreamReader | None) -> str:
    """Return the child's last line of standard error; reading to its end keeps the child from blocking."""
    last = b""
    while line := await _line(stream):
        last = line
    return last.decode(errors="replace").strip()[:_COMPLAINT_CHARACTERS]


def _not_followed(reason: str) -> Finding:
    return Finding(
        code="audio-coreaudio-log",
        title="CoreAudio's overloads are not read",
        severity=Severity.WARNING,
        detail=f"`log stream` does not run: {reason}.",
        affects="Overloads of other programs are not counted; gaps in the probe's own stream are.",
        remedy=("run the agent as an administrator of this Mac: only administrators may read the unified log",),
    )
