"""The agent's side of the process that analyses one dropout, from its start to its certain end.

Owns the timeout and the check of the answer. `child` owns the limits of the process.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from pathlib import Path

import msgspec

import collectors
from collectors.audio.causes.event import Event
from collectors.child_process import end_child, start_child

ANALYSIS = "collectors.audio.causes.analysis.analyse:analyse"
"""Module and function of the analysis."""

TIMEOUT_SECONDS = 3.5
"""The limit of one analysis, so that its event is there within five seconds of the dropout."""

_MOST_ANSWER_BYTES = 64 << 10
_MOST_TEXT = 1000
_COMPLAINT_BYTES = 4096


class AnalysisError(Exception):
    """An analysis without a usable event; the reason is a sentence without a capital and a full stop."""


class AnalysisProcess:
    """The analysis of one dropout at a time.

    Args:
        function: Module and function of the analysis; a seam for tests.
        timeout: The limit of one analysis, in seconds.
    """

    def __init__(self, function: str = ANALYSIS, timeout: float = TIMEOUT_SECONDS) -> None:
        self._function = function
        self._timeout = timeout

    async def analyse(self, evidence: bytes) -> Event:
        """Return the event of one dropout.

        Args:
            evidence: The evidence as JSON.

        Raises:
            AnalysisError: The process failed, took too long, or gave no event.
        """
        try:
            process = await self._start()
        except OSError as error:
            raise AnalysisError(f"the analysis cannot be started: {error.strerror or error}") from error
        try:
            async with asyncio.timeout(self._timeout):
                answer, complaint = await _talk(process, evidence)
                code = await process.wait()
        except TimeoutError:
            raise AnalysisError(f"the analysis did not end within {self._timeout:g} s") from None
        finally:
            await end_child(process)
        if code:
            raise AnalysisError(f"the analysis ended with {_ending(code)}: {complaint or 'no message'}")
        return _event(answer)

    async def _start(self) -> Process:
        """Start the child; it imports the agent's modules and none of the current directory (`-P`)."""
        path = os.pathsep.join(filter(None, (str(Path(collectors.__file__).parents[1]), os.environ.get("PYTHONPATH"))))
        return await start_child(
            *(sys.executable, "-P", "-m", "collectors.audio.causes.child", self._function),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env=os.environ | {"PYTHONPATH": path},
        )


async def _talk(process: Process, evidence: bytes) -> tuple[bytes, str]:
    """Return the answer and the last line of standard error.

    Raises:
        AnalysisError: The answer is too long.
    """
    writing = asyncio.create_task(_write(process, evidence))
    complaining = asyncio.create_task(_last_line(process))
    try:
        answer = await _read(process)
        await writing
        return answer, await complaining
    finally:
        writing.cancel()
        complaining.cancel()


async def _write(process: Process, evidence: bytes) -> None:
    if process.stdin is None:
        raise AssertionError("the standard input is a pipe")
    with suppress(BrokenPipeError, ConnectionResetError):  # the process has ended; its exit code says more
        process.stdin.write(evidence)
        await process.stdin.drain()
    process.stdin.close()


async def _read(process: Process) -> bytes:
    answer = b""
    while process.stdout is not None and (more := await process.stdout.read(_MOST_ANSWER_BYTES)):
        answer += more
        if len(answer) > _MOST_ANSWER_BYTES:
            raise AnalysisError(f"the analysis answered more than {_MOST_ANSWER_BYTES} bytes")
    return answer


async def _last_line(process: Process) -> str:
    tail = b""
    while process.stderr is not None and (more := await process.stderr.read(_COMPLAINT_BYTES)):
        tail = (tail + more)[-_COMPLAINT_BYTES:]
    lines = tail.decode(errors="replace").split("\n")
    return next((line.strip()[:_MOST_TEXT] for line in reversed(lines) if line.strip()), "")


def _ending(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def _event(answer: bytes) -> Event:
    """Return the event in an answer.

    Raises:
        AnalysisError: The answer is none.
    """
    try:
        event = msgspec.json.decode(answer, type=Event)
    except msgspec.MsgspecError as error:
        raise AnalysisError(f"the analysis answered no event: {error}") from error
    if not 0 <= event.confidence <= 1 or event.level not in (0, 1, 2) or not event.text:
        raise AnalysisError("the analysis answered an event with impossible values")
    return event
