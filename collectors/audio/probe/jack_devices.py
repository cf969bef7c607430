"""JACK clients as PortAudio's devices, with any name. Loaded in the probe's process only.

PortAudio takes a JACK client as a device. It cuts the client's name at the first colon, and finds the client's ports
with that name as a regular expression that may match anywhere. PortAudio before 19.7 does not escape the name: a name
such as `Built-in Audio Digital Stereo (IEC958)` has no channels. `UFX` also gets the channels of `Fireface UFX`.

So the probe counts the ports itself, and writes name and number of channels into PortAudio's description of the device.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Iterable
from typing import NamedTuple

_ESCAPED_SINCE = 0x130700
"""PortAudio 19.7.0, as `Pa_GetVersion` returns it."""

_SPECIAL = frozenset("\\^$.|?*+()[]{}")


class Channels(NamedTuple):
    """The audio ports of one JACK client: its inputs are channels to capture, its outputs are channels to play to."""

    inputs: int
    outputs: int


class _PaDeviceInfo(ctypes.Structure):
    """The head of PortAudio's `PaDeviceInfo`."""

    _fields_ = (
        ("struct_version", ctypes.c_int),
        ("name", ctypes.c_void_p),
        ("host_api", ctypes.c_int),
        ("max_input_channels", ctypes.c_int),
        ("max_output_channels", ctypes.c_int),
    )


class _PaJackHostApi(ctypes.Structure):
    """PortAudio's representation of JACK from `info` on, as in pa_jack.c and pa_hostapi.h of 19.6 and 19.7."""

    _fields_ = (
        ("info", ctypes.c_byte * 32),
        ("device_infos", ctypes.c_void_p),
        ("functions", ctypes.c_void_p * 3),
        ("stream_interfaces", ctypes.c_void_p * 24),
        ("allocations", ctypes.c_void_p),
        ("client", ctypes.c_void_p),
        ("buffer_size", ctypes.c_int),
        ("index", ctypes.c_int),
    )


def portaudio_client(host_api: int, block: int) -> int | None:
    """Return PortAudio's own client of the JACK server; None if this PortAudio has another layout.

    Args:
        host_api: PortAudio's number of the host API JACK.
        block: The server's frames a cycle. PortAudio stores both next to the client, which proves the layout.
    """
    portaudio = ctypes.CDLL("libportaudio.so.2")
    portaudio.Pa_GetHostApiInfo.restype = ctypes.POINTER(_PaJackHostApi)
    found = portaudio.Pa_GetHostApiInfo(host_api)
    if not found or (found.contents.index, found.contents.buffer_size) != (host_api, block):
        return None
    client: int | None = found.contents.client
    return client


def count_channels(capture: Iterable[str], playback: Iterable[str]) -> dict[str, Channels]:
    """Return the channels of each client, in the order of the ports.

    Args:
        capture: Full names of the ports that deliver audio.
        playback: Full names of the ports that take audio.
    """
    captures, playbacks = list(map(_client, capture)), list(map(_client, playback))
    return {name: Channels(captures.count(name), playbacks.count(name)) for name in (*captures, *playbacks)}


def _client(port: str) -> str:
    return port.rpartition(":")[0]


def portaudio_name(client: str) -> str:
    """Return the name under which PortAudio lists a JACK client."""
    return client.partition(":")[0]


def pattern(client: str, version: int, most_bytes: int) -> bytes:
    """Return the name with which PortAudio finds the ports of this client and of no other.

    Args:
        client: The client's name.
        version: From `Pa_GetVersion`.
        most_bytes: The longest name in PortAudio's buffer. In a longer one each special character matches any other.
    """
    if version >= _ESCAPED_SINCE:
        return client.encode()
    escaped = "^" + "".join("\\" + character if character in _SPECIAL else character for character in client)
    if len(escaped.encode()) <= most_bytes:
        return escaped.encode()
    return b"^" + "".join("." if character in _SPECIAL else character for character in client).encode()


def describe(index: int, client: str, channels: Channels) -> None:
    """Write a client's name and channels into PortAudio's description of a device.

    Args:
        index: PortAudio's number of the device.
        client: The client's name.
        channels: Its channels.
    """
    portaudio = ctypes.CDLL("libportaudio.so.2")
    portaudio.Pa_GetDeviceInfo.restype = ctypes.POINTER(_PaDeviceInfo)
    longest = ctypes.CDLL("libjack.so.0").jack_client_name_size() - 1
    description = portaudio.Pa_GetDeviceInfo(index)
    if description:  # there is none if PyAudio has a PortAudio of its own
        name = _static(pattern(client, portaudio.Pa_GetVersion(), longest))
        description.contents.name = ctypes.addressof(name)
        description.contents.max_input_channels = channels.inputs
        description.contents.max_output_channels = channels.outputs


@functools.cache
def _static(name: bytes) -> ctypes.Array[ctypes.c_char]:
    """Return the name in memory that stays valid, because PortAudio keeps the pointer."""
    return ctypes.create_string_buffer(name)
