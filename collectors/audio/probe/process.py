"""The agent's side of one probe process, from its start to its certain end.

Owns the process, its pipes and the two rings; `runner` decides when to start and end it.
"""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import ExitStack, asynccontextmanager, closing, suppress
from dataclasses import dataclass
from pathlib import Path

import collectors
from collectors.audio.jack.client_timings import TablePlace
from collectors.audio.probe.plan import ProbePlan
from collectors.audio.probe.protocol import (
    BUFFER_CAPACITY,
    BUFFER_RECORD,
    LEVEL_CAPACITY,
    MAX_CHANNELS,
    Exit,
    ProbeRequest,
    StreamInfo,
    TableRequest,
    decode_answer,
    encode_request,
    level_record,
    table_capacity,
    table_record,
)
from collectors.audio.probe.ring import RingReader, ring_bytes, shared_memory
from collectors.child_process import end_child, ending, start_child
from collectors.plain_errors import with_file

_NO_DEVICES = Path(__file__).with_name("no_devices.conf")
_OPEN_SECONDS = 10.0
_CLOSE_SECONDS = 1.0
_FREEWHEEL_CLOSE_SECONDS = 4.0
"""The limit of a close while the server freewheels, because an end without a close would stall the export."""
_NOISE_BYTES = 8192
_NOISE_LINES = 50


class ProbeError(Exception):
    """A probe that opened no stream, or whose stream ended.

    Attributes:
        code: The exit code; None if the process did not end by itself.
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
    """A probe with an open stream.

    Attributes:
        stream: The stream's properties.
        buffers: The ring of buffer records.
        levels: The ring of level blocks.
        process: The child, which may have ended.
        table: The copies of JACK's table that it makes.
    """

    stream: StreamInfo
    buffers: RingReader
    levels: RingReader
    process: Process
    table: TableRequest

    def copies(self) -> RingReader | None:
        """Return a new reader of the copies of JACK's table, which the caller closes; None without copies."""
        if not self.table.path:
            return None
        return RingReader(self.table.copies, table_record(self.table.size), self.table.capacity)


@asynccontextmanager
async def running_probe(
    plan: ProbePlan, freewheels: Callable[[], bool] = bool, place: TablePlace | None = None
) -> AsyncIterator[ProbeProcess]:
    """Start a probe; on exit and on cancellation, end and reap it and release its memory.

    Args:
        plan: The stream to open.
        freewheels: Function that returns whether the server freewheels.
        place: The part of JACK's table of client timings to copy; None for no copies.

    Raises:
        ProbeError: It could not open a stream.
    """
    with ExitStack() as resources:
        buffers = _ring(resources, "wr-agent-buffers", ring_bytes(BUFFER_RECORD, BUFFER_CAPACITY))
        levels = _ring(resources, "wr-agent-levels", ring_bytes(level_record(MAX_CHANNELS), LEVEL_CAPACITY))
        table = _table(resources, plan, place) if place is not None else TableRequest()
        request = ProbeRequest(
            plan.device, plan.jack_only, plan.direction, plan.channels, plan.frames, buffers, levels, table
        )
        process = await _spawn(request, plan.jack_server)
        noise = asyncio.create_task(_read_noise(process))
        try:
            stream = await _answer(process, noise)
            record = level_record(stream.channels)
            with (
                closing(RingReader(buffers, BUFFER_RECORD, BUFFER_CAPACITY)) as buffer_ring,
                closing(RingReader(levels, record, LEVEL_CAPACITY)) as level_ring,
            ):
                yield ProbeProcess(stream, buffer_ring, level_ring, process, table)
        finally:
            await _finish(_end(process, noise, _FREEWHEEL_CLOSE_SECONDS if freewheels() else _CLOSE_SECONDS))


def _ring(resources: ExitStack, name: str, size: int) -> int:
    descriptor = shared_memory(name, size)
    resources.callback(os.close, descriptor)
    return descriptor


def _table(resources: ExitStack, plan: ProbePlan, place: TablePlace) -> TableRequest:
    """Return the request to copy a part of JACK's table, with its ring."""
    size = place.rows * place.row_bytes
    capacity = table_capacity(size, plan.rate, plan.block)
    ring = _ring(resources, "wr-agent-table", ring_bytes(table_record(size), capacity))
    return TableRequest(place.path, place.offset, size, capacity, ring)


async def _spawn(request: ProbeRequest, server: str) -> Process:
    """Start the child; it imports the agent's modules and none of the current directory (`-P`).

    Raises:
        ProbeError: The child cannot be started, as while Python itself is being replaced.
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
        return await start_child(
            *(sys.executable, "-P", "-m", "collectors.audio.probe", encode_request(request)),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env=environment,
            pass_fds=[it for it in (request.buffers, request.levels, request.table.copies) if it >= 0],
        )
    except OSError as error:
        raise ProbeError(None, f"the probe's process cannot be started: {with_file(error)}") from error


async def _answer(process: Process, noise: asyncio.Task[bytes]) -> StreamInfo:
    if process.stdout is None:
        raise AssertionError("the probe's standard output is a pipe")
    try:
        line = await asyncio.wait_for(process.stdout.readline(), _OPEN_SECONDS)
    except TimeoutError:
        await _end(process, noise, _CLOSE_SECONDS)
        raise ProbeError(None, f"no stream within {_OPEN_SECONDS:g} s", (), _lines(await noise)) from None
    if not line:
        code = await process.wait()
        raise ProbeError(
            None, f"the probe's process ended with {ending(code)} before it opened a stream", (), _lines(await noise)
        )
    try:
        answer = decode_answer(line)
    except (ValueError, TypeError, KeyError, AttributeError) as error:  # a library wrote to its descriptor
        raise ProbeError(None, f"the probe's answer {line[:100]!r} cannot be parsed", (), "") from error
    if isinstance(answer, StreamInfo):
        return answer
    raise ProbeError(Exit(answer.code), answer.message, answer.devices, _lines(await noise))


async def _read_noise(process: Process) -> bytes:
    """Return the end of the child's standard error; reading to its end keeps the child from blocking."""
    tail = b""
    while process.stderr is not None and (more := await process.stderr.read(4096)):
        tail = (tail + more)[-_NOISE_BYTES:]
    return tail


def _lines(noise: bytes) -> str:
    return "\n".join(noise.decode(errors="replace").splitlines()[-_NOISE_LINES:])


async def _finish(ending: Coroutine[object, object, None]) -> None:
    """Run `ending` to its end; raise a cancellation that arrives before that afterwards."""
    task = asyncio.ensure_future(ending)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise


async def _end(process: Process, noise: asyncio.Task[bytes], close_seconds: float) -> None:
    """Request a clean close, which spares other programs an xrun; kill the process after a timeout."""
    if process.stdin is not None:
        process.stdin.close()
    with suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), close_seconds)
    await end_child(process)
    await noise
