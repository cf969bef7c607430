"""The agent's side of the process that analyses one dropout, from its start to its certain end.

Owns the timeout and the check of the answer. `child` owns the limits of the process.
"""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

import collectors
from collectors.audio.causes.event import Event
from collectors.child_process import end_child, ending, start_child

ANALYSIS = "collectors.audio.causes.analysis.analyse:analyse"
"""Module and function of the analysis."""

TIMEOUT_SECONDS = 4.5
"""The limit of one analysis. It takes 0.4 s on a busy machine, and the kernel's trace takes longer."""

MOST_EVIDENCE_BYTES = 20 << 20
"""The limit of the packed evidence."""

_PACK_SECONDS = 3.0
"""The limit of the time between the event and the end of the packed evidence."""

_MOST_ANSWER_BYTES = 64 << 10
_READ_BYTES = 256 << 10
_MOST_TEXT = 1000
_CLOSE_SECONDS = 1.0
_COMPLAINT_BYTES = 4096


class AnalysisError(Exception):
    """An analysis without a usable event; the reason is a sentence without a capital and a full stop."""


class Analysed(NamedTuple):
    """The answer of one analysis.

    Attributes:
        event: The event.
        evidence: The packed evidence, which includes the kernel's trace; empty if the process was too slow.
    """

    event: Event
    evidence: bytes


class AnalysisProcess:
    """The analysis of one dropout at a time.

    Args:
        function: Module and function of the analysis; a seam for tests.
        timeout: The limit of one analysis, in seconds.
    """

    def __init__(self, function: str = ANALYSIS, timeout: float = TIMEOUT_SECONDS) -> None:
        self._function = function
        self._timeout = timeout

    async def analyse(self, evidence: bytes, capture: int = -1) -> Analysed:
        """Return the event of one dropout.

        Args:
            evidence: The evidence as JSON.
            capture: The descriptor of the kernel's trace; -1 without one.

        Raises:
            AnalysisError: The process failed, took too long, or gave no event.
        """
        try:
            process = await self._start(capture)
        except OSError as error:
            raise AnalysisError(f"the analysis cannot be started: {error.strerror or error}") from error
        writing = asyncio.create_task(_write(process, evidence))
        complaining = asyncio.create_task(_last_line(process))
        try:
            async with asyncio.timeout(self._timeout):
                event = await _event(process, complaining)
            return Analysed(event, await _packed(process))
        except TimeoutError:
            raise AnalysisError(f"the analysis did not end within {self._timeout:g} s") from None
        finally:
            writing.cancel()
            complaining.cancel()
            await end_child(process)
            await _close_input(process)

    async def _start(self, capture: int) -> Process:
        """Start the child; it imports the agent's modules and none of the current directory (`-P`)."""
        path = os.pathsep.join(filter(None, (str(Path(collectors.__file__).parents[1]), os.environ.get("PYTHONPATH"))))
        return await start_child(
            *(sys.executable, "-P", "-m", "collectors.audio.causes.child", self._function),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            limit=_MOST_ANSWER_BYTES,
            env=os.environ | {"PYTHONPATH": path},
            pass_fds=(capture,) if capture >= 0 else (),
        )


async def _write(process: Process, evidence: bytes) -> None:
    if process.stdin is None:
        raise AssertionError("the standard input is a pipe")
    with suppress(BrokenPipeError, ConnectionResetError):  # the process has ended; its exit code says more
        process.stdin.write(evidence)
        await process.stdin.drain()
    process.stdin.close()


async def _close_input(process: Process) -> None:
    """Close the input of a process that has ended, whose unread rest would be logged as an error."""
    if process.stdin is not None:
        process.stdin.close()
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await process.stdin.wait_closed()


async def _last_line(process: Process) -> str:
    """Return the last line of standard error; reading to its end keeps the process from blocking."""
    tail = b""
    while process.stderr is not None and (more := await process.stderr.read(_COMPLAINT_BYTES)):
        tail = (tail + more)[-_COMPLAINT_BYTES:]
    lines = tail.decode(errors="replace").split("\n")
    return next((line.strip()[:_MOST_TEXT] for line in reversed(lines) if line.strip()), "")


async def _event(process: Process, complaint: asyncio.Task[str]) -> Event:
    """Return the event in the first line of the answer.

    Raises:
        AnalysisError: There is none.
    """
    if process.stdout is None:
        raise AssertionError("the standard output is a pipe")
    try:
        line = await process.stdout.readline()
    except ValueError:  # asyncio raises it for a line over its limit
        raise AnalysisError(f"the analysis answered more than {_MOST_ANSWER_BYTES} bytes") from None
    if not line.endswith(b"\n") and (code := await process.wait()):
        raise AnalysisError(f"the analysis ended with {ending(code)}: {await complaint or 'no message'}")
    return _decoded(line)


def _decoded(line: bytes) -> Event:
    try:
        event = msgspec.json.decode(line, type=Event)
    except msgspec.MsgspecError as error:
        raise AnalysisError(f"the analysis answered no event: {error}") from error
    if not 0 <= event.confidence <= 1 or event.level not in (0, 1, 2) or not event.text:
        raise AnalysisError("the analysis answered an event with impossible values")
    return event


async def _packed(process: Process) -> bytes:
    """Return the packed evidence; nothing if it is too large, too late or torn."""
    packed = b""
    with suppress(TimeoutError):
        async with asyncio.timeout(_PACK_SECONDS):
            while process.stdout is not None and (more := await process.stdout.read(_READ_BYTES)):
                packed += more
                if len(packed) > MOST_EVIDENCE_BYTES:
                    return b""
            if await process.wait() == 0:
                return packed
    return b""
