"""The agent's side of the probe: one life of the child process, from its start to its certain end.

Owns the process, its pipes and the two rings. When to start and end it belongs to `runner`.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Coroutine
from contextlib import ExitStack, asynccontextmanager, closing, suppress
from dataclasses import dataclass
from pathlib import Path

import collectors
from collectors.audio.probe.plan import ProbePlan
from collectors.audio.probe.protocol import (
    BUFFER_CAPACITY,
    BUFFER_RECORD,
    LEVEL_CAPACITY,
    MAX_CHANNELS,
    Exit,
    ProbeRequest,
    StreamInfo,
    decode_answer,
    encode_request,
    level_record,
)
from collectors.audio.probe.ring import RingReader, ring_bytes, shared_memory

_NO_DEVICES = Path(__file__).with_name("no_devices.conf")
_OPEN_SECONDS = 10.0
_CLOSE_SECONDS = 1.0
_NOISE_BYTES = 8192
_NOISE_LINES = 50


class ProbeError(Exception):
    """The probe did not get as far as a stream, or its stream ended.

    Attributes:
        code: How the process ended; None for an end that is not its own.
        devices: The devices that could be opened instead.
        noise: The last lines that its libraries printed.
    """

    def __init__(self, code: Exit | None, message: str, devices: tuple[str, ...] = (), noise: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.devices = devices
        self.noise = noise


@dataclass(frozen=True, slots=True)
class ProbeProcess:
    """A probe that has opened its stream.

    Attributes:
        stream: What it opened.
        buffers: Its records of buffers.
        levels: Its level blocks.
        process: The child, which may have ended by now.
    """

    stream: StreamInfo
    buffers: RingReader
    levels: RingReader
    process: Process


@asynccontextmanager
async def running_probe(plan: ProbePlan) -> AsyncIterator[ProbeProcess]:
    """Start a probe; on leaving, and on cancellation, it is killed and reaped and its memory given back.

    Raises:
        ProbeError: It could not open a stream.
    """
    with ExitStack() as resources:
        buffers = _ring(resources, "wr-agent-buffers", ring_bytes(BUFFER_RECORD, BUFFER_CAPACITY))
        levels = _ring(resources, "wr-agent-levels", ring_bytes(level_record(MAX_CHANNELS), LEVEL_CAPACITY))
        request = ProbeRequest(plan.device, plan.jack_only, plan.direction, plan.channels, plan.frames, buffers, levels)
        process = await _spawn(request, plan.jack_server)
        noise = asyncio.create_task(_read_noise(process))
        try:
            stream = await _answer(process, noise)
            record = level_record(stream.channels)
            with (
                closing(RingReader(buffers, BUFFER_RECORD, BUFFER_CAPACITY)) as buffer_ring,
                closing(RingReader(levels, record, LEVEL_CAPACITY)) as level_ring,
            ):
                yield ProbeProcess(stream, buffer_ring, level_ring, process)
        finally:
            await _to_its_end(_end(process, noise))


def _ring(resources: ExitStack, name: str, size: int) -> int:
    descriptor = shared_memory(name, size)
    resources.callback(os.close, descriptor)
    return descriptor


async def _spawn(request: ProbeRequest, server: str) -> Process:
    """The child finds our modules wherever it is started, and nothing in the current directory (`-P`).

    Raises:
        ProbeError: There can be no child, as while Python itself is being replaced.
    """
    environment = os.environ | {
        "JACK_NO_START_SERVER": "1",
        "OPENBLAS_NUM_THREADS": "1",  # numpy's threads would only cost memory
        "PYTHONPATH": str(Path(collectors.__file__).parents[1]),
    }
    if server:
        environment["JACK_DEFAULT_SERVER"] = server
    if request.jack_only:
        environment["ALSA_CONFIG_PATH"] = str(_NO_DEVICES)
    try:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "collectors.audio.probe", encode_request(request)),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env=environment,
            pass_fds=(request.buffers, request.levels),
        )
    except OSError as error:
        raise ProbeError(None, f"the probe's process cannot be started: {error}") from error


async def _answer(process: Process, noise: asyncio.Task[bytes]) -> StreamInfo:
    if process.stdout is None:
        raise AssertionError("the probe's standard output is a pipe")
    try:
        line = await asyncio.wait_for(process.stdout.readline(), _OPEN_SECONDS)
    except TimeoutError:
        await _kill(process)
        raise ProbeError(None, f"no stream within {_OPEN_SECONDS:g} s", (), _lines(await noise)) from None
    if not line:
        code = await process.wait()
        raise ProbeError(
            None, f"the probe's process ended with {code} before it opened a stream", (), _lines(await noise)
        )
    try:
        answer = decode_answer(line)
    except (ValueError, TypeError, KeyError, AttributeError) as error:  # a library has written to its descriptor
        raise ProbeError(None, f"the probe answered {line[:100]!r}, which is no answer", (), "") from error
    if isinstance(answer, StreamInfo):
        return answer
    raise ProbeError(Exit(answer.code), answer.message, answer.devices, _lines(await noise))


async def _read_noise(process: Process) -> bytes:
    """The end of what the child's libraries print, which is read to its end so that they never block."""
    tail = b""
    while process.stderr is not None and (more := await process.stderr.read(4096)):
        tail = (tail + more)[-_NOISE_BYTES:]
    return tail


def _lines(noise: bytes) -> str:
    return "\n".join(noise.decode(errors="replace").splitlines()[-_NOISE_LINES:])


async def _to_its_end(ending: Coroutine[object, object, None]) -> None:
    """Wait for what takes a moment and must be done; a cancellation that comes meanwhile is passed on afterwards."""
    task = asyncio.ensure_future(ending)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise


async def _end(process: Process, noise: asyncio.Task[bytes]) -> None:
    """Let it close its stream, which spares others an xrun, and end it if it does not."""
    if process.stdin is not None:
        process.stdin.close()
    with suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), _CLOSE_SECONDS)
    await _kill(process)
    await noise


async def _kill(process: Process) -> None:
    """End it, if it has not ended by itself.

    Not by `Process.kill`, which reaps a child that has just ended, so that asyncio, waiting for it, finds nothing.
    """
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    await process.wait()
