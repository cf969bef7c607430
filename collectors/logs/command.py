"""The lines of a long-running command, delivered in batches.

Owns the process and one bounded batch at a time. While a batch waits for its acknowledgement, the command blocks on its
pipe. The modules `journal` and `unified_log` own the line format and the position.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence

import structlog

from collectors.logs.files.lines import Cut, cut
from collectors.restart_delay import RestartDelay

log = structlog.get_logger()

BATCH_BYTES = 512 * 1024
"""The largest batch and the longest line, in bytes."""

_FIRST_DELAY, _LONGEST_DELAY = 0.5, 60.0
_STOP_SECONDS = 1.0
_READ_BYTES = 1 << 16

Deliver = Callable[[list[bytes], bool], Awaitable[int]]
"""Takes lines and whether they are final; returns the number of lines done after their acknowledgement."""


class Command:
    """A command that is restarted when it ends, and its lines.

    Args:
        arguments: Returns the arguments.
        deliver: Receives the lines.
        flush_after: Seconds without a new line that end an open entry of several lines.

    Attributes:
        arguments: Returns the arguments at each start.
        lines: The number of lines done so far.
        bytes: Their bytes so far, without newlines.
        waiting_since: Start of the wait for an acknowledgement (monotonic seconds); `None` without one.
        waiting_bytes: The bytes that wait.
        problem: The reason why the command is stopped; empty while it runs.
    """

    def __init__(self, arguments: Callable[[], Sequence[str]], deliver: Deliver, flush_after: float) -> None:
        self.lines = 0
        self.bytes = 0
        self.waiting_since: float | None = None
        self.waiting_bytes = 0
        self.problem = ""
        self.arguments = arguments
        self._deliver = deliver
        self._flush_after = flush_after

    async def run(self) -> None:
        """Run the command until cancelled; an error of `deliver` ends it too."""
        restart = RestartDelay(_FIRST_DELAY, _LONGEST_DELAY)
        while True:
            started = time.monotonic()
            reason = await self._run_once()
            if not self.problem:
                log.warning("log command ended", command=self.arguments()[0], problem=reason)
            self.problem = reason
            await asyncio.sleep(restart.after(time.monotonic() - started))

    async def _run_once(self) -> str:
        """Run the command once and return the reason of its end."""
        arguments = self.arguments()
        try:
            process = await asyncio.create_subprocess_exec(
                *arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                limit=_READ_BYTES,
            )
        except OSError as error:
            return f"{arguments[0]}: {error.strerror}"
        assert process.stdout is not None  # noqa: S101 - a pipe was requested
        assert process.stderr is not None  # noqa: S101 - a pipe was requested
        said = asyncio.create_task(_last_line(process.stderr))
        try:
            await self._read(process.stdout)
            code = await process.wait()
            return f"{arguments[0]} ended with {code}: {await said or 'no message'}"
        finally:
            said.cancel()
            await _end(process)

    async def _read(self, stream: asyncio.StreamReader) -> None:
        window, skipping, offered = b"", False, 0
        while True:
            full = len(window) >= BATCH_BYTES
            data = None
            if not full:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._flush_after if offered else 0.0 if b"\n" in window else None):
                        data = await stream.read(min(_READ_BYTES, BATCH_BYTES - len(window)))
                        self.problem = ""
            window += data or b""
            if data and not offered:
                continue  # read all available bytes before sending
            ended = data == b""
            found = cut(window, full=full, mid_line=False, skipping=skipping, ended=ended)
            final = ended or (found.length == offered and not data)
            if found.length == offered and not final:
                continue
            done = await self._hand_on(found, final=final)
            if done:
                skipping = found.skipping if done == found.length else False
            window = window[done:]
            offered = found.length - done
            if ended:
                return

    async def _hand_on(self, found: Cut, *, final: bool) -> int:
        """Deliver the lines and return the number of bytes done."""
        if not found.lines:
            return found.length
        self.waiting_since = time.monotonic()
        self.waiting_bytes = found.length
        consumed = await self._deliver(found.lines, final)
        self.waiting_since = None
        self.waiting_bytes = 0
        self.lines += consumed
        self.bytes += sum(map(len, found.lines[:consumed]))
        return found.length_of(consumed) if consumed else 0


async def _last_line(stream: asyncio.StreamReader) -> str:
    """Read standard error to its end, and return its last line."""
    last = b""
    while data := await stream.read(_READ_BYTES):
        last = (last + data)[-_READ_BYTES:]
    lines = last.decode(errors="replace").split("\n")
    return next((line for line in reversed(lines) if line.strip()), "")


async def _end(process: asyncio.subprocess.Process) -> None:
    """Terminate the process; kill it after a timeout."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(_STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
