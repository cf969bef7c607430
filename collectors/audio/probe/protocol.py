"""What the agent and the probe's process say to each other.

The agent starts the probe with one JSON argument (`ProbeRequest`) and two rings. The probe answers with one JSON line
on standard output, `StreamInfo` or `Refusal`, and from then on only writes records. Imports nothing heavy: it is
loaded in the probe.

An agent whose package is upgraded while it runs starts a probe of the new package. So a request says of which version
it is, and a probe of another one refuses it. That much must hold between any two versions: the name of the probe's
module, where the request has its version, what a `Refusal` looks like, and the number of `Exit.OTHER_VERSION`.
"""

from __future__ import annotations

import json
from enum import IntEnum
from struct import Struct
from typing import Literal, NamedTuple

VERSION = 1
"""Of all that is said here and of `ring`'s layout: to be raised with each change of them."""

MAX_CHANNELS = 64

BUFFER_RECORD = Struct("=dQIII")
"""One callback: device clock (s), monotonic clock (ns), PortAudio's status flags, frames, the server's cycle.

The cycle is JACK's count of frames at its start, modulo 2**32; 0 is not known. Where it is known the device clock is
the start of that cycle on the monotonic clock, exact to a frame; where it is not, it is PortAudio's `current_time`.
"""
BUFFER_CAPACITY = 65536
"""Ten seconds of the shortest buffers: 32 frames at 192 kHz are 6,000 a second."""

LEVEL_CAPACITY = 64
"""Sixteen seconds of level blocks."""

Direction = Literal["auto", "input", "output"]


class Exit(IntEnum):
    """How the probe's process ends by itself."""

    PARENT_GONE = 0
    LIBRARY_MISSING = 10
    NO_JACK = 11
    DEVICE_NOT_FOUND = 12
    OPEN_FAILED = 13
    STREAM_ENDED = 14
    OTHER_VERSION = 15


class ProbeRequest(NamedTuple):
    """What the probe shall open.

    Attributes:
        device: PortAudio's name of the device; empty for the default one.
        jack_only: Whether another host API than JACK must not be touched.
        direction: `auto` is input where the device has one, else output.
        channels: How many input channels; 0 for all, up to `MAX_CHANNELS`.
        frames: Frames of a buffer; 0 for the device's own. Not heeded on JACK, where they are everybody's.
        buffers: Descriptor of the ring of `BUFFER_RECORD`.
        levels: Descriptor of the ring of level blocks.
    """

    device: str
    jack_only: bool
    direction: Direction
    channels: int
    frames: int
    buffers: int
    levels: int


class StreamInfo(NamedTuple):
    """What the probe opened.

    Attributes:
        device: PortAudio's name of the device.
        host_api: PortAudio's name of the host API.
        rate: Frames a second.
        channels: Measured input channels; 0 for an output stream.
        input_latency: Seconds, 0 if PortAudio does not know it.
        output_latency: Seconds, 0 if PortAudio does not know it.
    """

    device: str
    host_api: str
    rate: float
    channels: int
    input_latency: float
    output_latency: float


class Refusal(NamedTuple):
    """Why the probe opened nothing.

    Attributes:
        code: An `Exit`, also the exit code.
        message: What the library said.
        devices: The names of the devices that could be opened instead.
    """

    code: int
    message: str
    devices: tuple[str, ...] = ()


class RefusedError(Exception):
    """Nothing could be opened."""

    def __init__(self, code: Exit, message: str, devices: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.refusal = Refusal(code, message, devices)


def level_record(channels: int) -> Struct:
    """A level block: frames, PortAudio's load of our callback, and for each channel four numbers.

    The four are the highest magnitude, the sum of the squares, the clipped samples, and the frames of digital silence
    at the end of the block (all its frames, if it is silent throughout).
    """
    return Struct("=Id" + "fdII" * channels)


def encode_request(request: ProbeRequest) -> str:
    """The probe's one argument."""
    return json.dumps({"version": VERSION, **request._asdict()})


def decode_request(argument: str) -> ProbeRequest:
    """What the probe shall open.

    Raises:
        RefusedError: The agent that asks is of another version.
    """
    fields = json.loads(argument)
    version = fields.pop("version", None)
    if version != VERSION:
        raise RefusedError(
            Exit.OTHER_VERSION, f"the agent speaks version {version} of the probe's protocol, the probe {VERSION}"
        )
    return ProbeRequest(**fields)


def encode_answer(answer: StreamInfo | Refusal) -> bytes:
    """The probe's one line."""
    return json.dumps({type(answer).__name__: answer._asdict()}).encode() + b"\n"


def decode_answer(line: bytes) -> StreamInfo | Refusal:
    """The probe's answer.

    Raises:
        ValueError: The line is not one of `encode_answer`.
    """
    ((kind, fields),) = json.loads(line).items()
    if kind == StreamInfo.__name__:
        return StreamInfo(**fields)
    return Refusal(fields["code"], fields["message"], tuple(fields["devices"]))
