"""The protocol between the agent and the probe's process.

The agent starts the probe with one JSON argument (`ProbeRequest`) and two rings. The probe answers with one JSON line
on standard output, `StreamInfo` or `Refusal`. Then it only writes records. The probe loads this module, so it imports
nothing large.

An agent whose package is upgraded while it runs starts a probe of the new package. So a request carries its version,
and a probe of another version refuses it. Four things must never change: the name of the probe's module, the place of
the version in the request, the fields of a `Refusal`, and the number of `Exit.OTHER_VERSION`.
"""

from __future__ import annotations

import json
from enum import IntEnum
from struct import Struct
from typing import Literal, NamedTuple

VERSION = 3
"""The version of this module and of `ring`'s layout; each change increments it."""

MAX_CHANNELS = 64

BUFFER_RECORD = Struct("=dQIII")
"""One callback: device clock (s), monotonic clock (ns), PortAudio's status flags, frames, the server's cycle.

The cycle is JACK's count of frames at its start, modulo 2**32; 0 is unknown. With a known cycle, the device clock is
its start on the monotonic clock, exact to a frame. Otherwise it is PortAudio's `current_time`.
"""
BUFFER_CAPACITY = 65536
"""Ten seconds of the shortest buffers: 32 frames at 192 kHz are 6,000 a second."""

LEVEL_CAPACITY = 64
"""Sixteen seconds of level blocks."""

MOST_TABLE_BYTES = 4 << 20
"""The limit of memory for copies of JACK's table."""
_TABLE_SECONDS = 6
_SHORTEST_BUFFER = 32

Direction = Literal["auto", "input", "output"]


class Exit(IntEnum):
    """The exit codes of the probe's process."""

    PARENT_GONE = 0
    LIBRARY_MISSING = 10
    NO_JACK = 11
    DEVICE_NOT_FOUND = 12
    OPEN_FAILED = 13
    STREAM_ENDED = 14
    OTHER_VERSION = 15
    FREEWHEELING = 16


class TableRequest(NamedTuple):
    """The part of JACK's table of client timings to copy in each callback.

    Attributes:
        path: The file; empty for no copies.
        offset: The offset of the part.
        size: Its size in bytes.
        capacity: The number of copies that the ring holds.
        copies: Descriptor of the ring of `table_record`.
    """

    path: str = ""
    offset: int = 0
    size: int = 0
    capacity: int = 0
    copies: int = -1


class ProbeRequest(NamedTuple):
    """The stream that the probe should open.

    Attributes:
        device: PortAudio's name of the device; empty for the default one.
        jack_only: Whether JACK is the only host API to use.
        direction: `auto` is input if the device has inputs, otherwise output.
        channels: Number of input channels; 0 for all, up to `MAX_CHANNELS`.
        frames: Frames of a buffer; 0 for the device's own. Ignored on JACK, where all programs share them.
        buffers: Descriptor of the ring of `BUFFER_RECORD`.
        levels: Descriptor of the ring of level blocks.
        table: The part of JACK's table to copy.
    """

    device: str
    jack_only: bool
    direction: Direction
    channels: int
    frames: int
    buffers: int
    levels: int
    table: TableRequest = TableRequest()


class StreamInfo(NamedTuple):
    """The stream that the probe opened.

    Attributes:
        device: PortAudio's name of the device.
        host_api: PortAudio's name of the host API.
        rate: Frames a second.
        channels: Measured input channels; 0 for an output stream.
        input_latency: Seconds; 0 if PortAudio does not report it.
        output_latency: Seconds; 0 if PortAudio does not report it.
        inputs: Input channels of the device.
    """

    device: str
    host_api: str
    rate: float
    channels: int
    input_latency: float
    output_latency: float
    inputs: int = 0


class Refusal(NamedTuple):
    """The reason why the probe opened no stream.

    Attributes:
        code: An `Exit`, also the exit code.
        message: The library's error text.
        devices: The names of the devices that could be opened instead.
    """

    code: int
    message: str
    devices: tuple[str, ...] = ()


class RefusedError(Exception):
    """A stream that could not be opened."""

    def __init__(self, code: Exit, message: str, devices: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.refusal = Refusal(code, message, devices)


def level_record(channels: int) -> Struct:
    """Return the layout of a level block: frames, PortAudio's load of the callback, and four numbers a channel.

    The four are the highest magnitude, the sum of the squares, the clipped samples, and the frames of digital silence
    at the end of the block.
    """
    return Struct("=Id" + "fdII" * channels)


def table_record(size: int) -> Struct:
    """Return the layout of a copy of JACK's table: monotonic clock (ns) and the table's bytes."""
    return Struct(f"=Q{size}s")


def table_capacity(size: int, rate: float, frames: int) -> int:
    """Return the number of copies of `size` bytes that cover the last seconds, within `MOST_TABLE_BYTES`."""
    cycles = int(_TABLE_SECONDS * rate / (frames or _SHORTEST_BUFFER)) + 1
    return max(1, min(cycles, MOST_TABLE_BYTES // (table_record(size).size or 1)))


def encode_request(request: ProbeRequest) -> str:
    """Return the probe's argument."""
    return json.dumps({"version": VERSION, **request._asdict()})


def decode_request(argument: str) -> ProbeRequest:
    """Return the request in the probe's argument.

    Raises:
        RefusedError: The agent has another version.
    """
    fields = json.loads(argument)
    version = fields.pop("version", None)
    if version != VERSION:
        raise RefusedError(
            Exit.OTHER_VERSION, f"the agent uses version {version} of the probe's protocol, the probe {VERSION}"
        )
    return ProbeRequest(**fields | {"table": TableRequest(*fields["table"])})


def encode_answer(answer: StreamInfo | Refusal) -> bytes:
    """Return the probe's answer as one line."""
    return json.dumps({type(answer).__name__: answer._asdict()}).encode() + b"\n"


def decode_answer(line: bytes) -> StreamInfo | Refusal:
    """Return the probe's answer.

    Raises:
        ValueError: The line is not from `encode_answer`.
    """
    ((kind, fields),) = json.loads(line).items()
    if kind == StreamInfo.__name__:
        return StreamInfo(**fields)
    return Refusal(fields["code"], fields["message"], tuple(fields["devices"]))
