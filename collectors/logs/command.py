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

from collectors.child_process import ending, start_child, stop_child
from collectors.logs.files.lines import cut
from collectors.restart_delay import RestartDelay

log = structlog.get_logger()

BATCH_BYTES = 512 * 1024
"""The largest batch of several lines, in bytes."""

LINE_BYTES = 2 * 1024 * 1024
"""The longest line, in bytes. An array of bytes in the journal takes five times the space of its text."""

_FIRST_DELAY, _LONGEST_DELAY = 0.5, 60.0
_STOP_SECONDS = 1.0
_READ_BYTES = 1 << 16

Deliver = Callable[[list[bytes], bool, int], Awaitable[int]]
"""Takes lines, whether they are final, and the true size of an only line that was cut, or 0.

Returns the number of lines done, after their acknowledgement.
"""


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
            process = await start_child(
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
            return f"{arguments[0]} ended with {ending(code)}: {await said or 'no message'}"
        finally:
            said.cancel()
            await stop_child(process, _STOP_SECONDS)

    async def _read(self, stream: asyncio.StreamReader) -> None:
        window, offered = b"", 0
        while True:
            data = None
            if len(window) < BATCH_BYTES or b"\n" not in window:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._flush_after if offered else 0.0 if b"\n" in window else None):
                        data = await stream.read(_READ_BYTES)
                        self.problem = ""
            window += data or b""
            if len(window) > LINE_BYTES and b"\n" not in window[:LINE_BYTES]:
                window = await self._hand_on_overlong(stream, window)
                continue
            if data and not offered:
                continue  # read all available bytes before sending
            ended = data == b""
            found = cut(window, full=False, mid_line=False, skipping=False, ended=ended)
            final = ended or (found.length == offered and not data)
            if found.length == offered and not final:
                continue
            done = await self._hand_on(found.lines, found.length_of, final=final)
            window = window[done:]
            offered = found.length - done
            if ended:
                return

    async def _hand_on_overlong(self, stream: asyncio.StreamReader, window: bytes) -> bytes:
        """Deliver the beginning of an overlong line, skip its rest, and return the bytes after it."""
        line, rest, size = window[:LINE_BYTES], window[LINE_BYTES:], LINE_BYTES
        while b"\n" not in rest:
            size += len(rest)
            rest = await stream.read(_READ_BYTES)
            if not rest:
                break
        end = rest.find(b"\n") + 1
        await self._hand_on([line], lambda _: LINE_BYTES, final=True, true_bytes=size + max(0, end - 1))
        return rest[end:]

    async def _hand_on(
        self, lines: list[bytes], length_of: Callable[[int], int], *, final: bool, true_bytes: int = 0
    ) -> int:
        """Deliver the lines and return the number of bytes done."""
        if not lines:
            return length_of(0)
        self.waiting_since = time.monotonic()
        self.waiting_bytes = sum(map(len, lines)) + len(lines)
        consumed = await self._deliver(lines, final, true_bytes)
        self.waiting_since = None
        self.waiting_bytes = 0
        self.lines += consumed
        self.bytes += sum(map(len, lines[:consumed]))
        return length_of(consumed) if consumed else 0


async def _last_line(stream: asyncio.StreamReader) -> str:
    """Read standard error to its end, and return its last line."""
    last = b""
    while data := await stream.read(_READ_BYTES):
        last = (last + data)[-_READ_BYTES:]
    lines = last.decode(errors="replace").split("\n")
    return next((line for line in reversed(lines) if line.strip()), "")
