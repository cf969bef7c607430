"""The choice and the opening of the probe's device. Loaded in the probe's process only."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable, Mapping
from typing import Any

from collectors.audio.jack.names import client_name
from collectors.audio.probe.clock import CycleClock
from collectors.audio.probe.jack_devices import Channels, portaudio_name
from collectors.audio.probe.protocol import MAX_CHANNELS, Exit, ProbeRequest, RefusedError, StreamInfo
from collectors.plain_errors import plain_text

CLIENT_NAME = "wr-agent-probe"
_JACK = 12  # PortAudio's PaHostApiTypeId paJACK
_FLOAT32 = 1  # PortAudio's paFloat32
_LONGEST_LATENCY = 10.0

DeviceInfo = dict[str, Any]
"""PortAudio's PaDeviceInfo, as PyAudio returns it."""


def check_libraries() -> None:
    """Import the libraries that the probe needs.

    Raises:
        RefusedError: A library is missing.
    """
    try:
        import numpy as np  # noqa: F401 - a missing numpy must be reported before a stream is open
        import pyaudio  # noqa: F401 - likewise
    except ImportError as error:
        raise RefusedError(Exit.LIBRARY_MISSING, str(error)) from error


def connect() -> CycleClock | None:
    """Return a client of the JACK server; None without a server.

    PortAudio activates a client of its own when it is initialised, which would stall an export. So call this first.

    Raises:
        RefusedError: The server freewheels.
    """
    try:
        server = CycleClock()
    except OSError:
        return None
    if not server.is_regular():
        server.close()
        raise RefusedError(Exit.FREEWHEELING, "the JACK server freewheels for an export")
    return server


def load_portaudio() -> Any:  # noqa: ANN401 - PyAudio carries no types
    """Return an initialised PyAudio.

    Raises:
        RefusedError: PortAudio cannot be initialised, as with a frozen server.
    """
    import pyaudio

    _name_jack_client()
    try:
        return pyaudio.PyAudio()
    except OSError as error:
        raise RefusedError(Exit.OPEN_FAILED, f"PortAudio: {plain_text(error)}") from error


def _name_jack_client() -> None:
    """Set the client's name in JACK's graph to `wr-agent-probe`; builds without JACK lack the function."""
    try:
        ctypes.CDLL("libportaudio.so.2").PaJack_SetClientName(_static_client_name())
    except (OSError, AttributeError):
        return


@functools.cache
def _static_client_name() -> ctypes.Array[ctypes.c_char]:
    """Return the client's name in memory that stays valid, because PortAudio keeps the pointer."""
    return ctypes.create_string_buffer(client_name(CLIENT_NAME, "").encode())


def choose_device(
    audio: Any,  # noqa: ANN401 - PyAudio carries no types
    request: ProbeRequest,
    clients: Mapping[str, Channels],
) -> DeviceInfo:
    """Return the device to open. JACK comes before any other host API, because its devices are shared.

    Args:
        audio: From `load_portaudio`.
        request: The agent's request.
        clients: The channels of all JACK clients; empty without a server.

    Raises:
        RefusedError: There is no such device.
    """
    devices: list[DeviceInfo] = [audio.get_device_info_by_index(index) for index in range(audio.get_device_count())]
    jack_api = _jack_api(audio)
    devices = _with_clients(devices, jack_api, clients) if clients else devices
    on_jack = [device for device in devices if device["hostApi"] == jack_api]
    if request.jack_only and not on_jack:
        raise RefusedError(Exit.NO_JACK, "PortAudio finds no JACK server, or was built without JACK")
    eligible = on_jack if request.jack_only else on_jack + [d for d in devices if d["hostApi"] != jack_api]
    if request.device:
        chosen = [device for device in eligible if device["name"] == request.device]
        complaint = f"no audio device is named {request.device!r}"
    else:
        chosen = on_jack[:1] or _default(audio, request)
        complaint = "there is no default audio device"
    if not chosen:
        raise RefusedError(Exit.DEVICE_NOT_FOUND, complaint, tuple(device["name"] for device in eligible))
    return chosen[0]


def _with_clients(devices: list[DeviceInfo], jack_api: int | None, clients: Mapping[str, Channels]) -> list[DeviceInfo]:
    """Return the devices with JACK's own names and channel counts instead of PortAudio's."""
    listed = {device["name"]: device for device in devices if device["hostApi"] == jack_api}
    on_jack = [
        listed[portaudio_name(client)] | {"name": client, "maxInputChannels": inputs, "maxOutputChannels": outputs}
        for client, (inputs, outputs) in clients.items()
        if portaudio_name(client) in listed
    ]
    return on_jack + [device for device in devices if device["hostApi"] != jack_api]


def _jack_api(audio: Any) -> int | None:  # noqa: ANN401 - PyAudio carries no types
    apis = (audio.get_host_api_info_by_index(index) for index in range(audio.get_host_api_count()))
    return next((api["index"] for api in apis if api["type"] == _JACK), None)


def _default(audio: Any, request: ProbeRequest) -> list[DeviceInfo]:  # noqa: ANN401 - PyAudio carries no types
    output = request.direction == "output"
    try:
        return [audio.get_default_output_device_info() if output else audio.get_default_input_device_info()]
    except OSError:
        return []


def measured_channels(device: DeviceInfo, request: ProbeRequest) -> int:
    """Return the number of input channels to measure; 0 for an output stream."""
    if request.direction == "output":
        return 0
    return min(int(device["maxInputChannels"]), request.channels or MAX_CHANNELS)


def is_on_jack(audio: Any, device: DeviceInfo) -> bool:  # noqa: ANN401 - PyAudio carries no types
    """Return whether the device belongs to a JACK server."""
    return bool(device["hostApi"] == _jack_api(audio))


def own_frames(audio: Any, device: DeviceInfo, request: ProbeRequest) -> int:  # noqa: ANN401 - PyAudio carries no types
    """Return the frames of a buffer. 0 is PortAudio's paFramesPerBufferUnspecified, which JACK always gets."""
    return 0 if device["hostApi"] == _jack_api(audio) else request.frames


def open_stream(
    audio: Any,  # noqa: ANN401 - PyAudio carries no types
    device: DeviceInfo,
    channels: int,
    callback: Callable[..., Any],
    frames: int,
) -> tuple[StreamInfo, Any]:
    """Open and start the stream at the device's own rate.

    Args:
        audio: From `load_portaudio`.
        device: From `choose_device`.
        channels: Input channels; 0 for an output stream.
        callback: PyAudio's stream callback.
        frames: From `own_frames`.

    Raises:
        RefusedError: PortAudio refused.
    """
    side = "input" if channels else "output"
    try:
        stream = audio.open(
            format=_FLOAT32,
            rate=int(device["defaultSampleRate"]),
            channels=channels or output_channels(device),
            frames_per_buffer=frames,
            stream_callback=callback,
            **{side: True, f"{side}_device_index": device["index"]},
        )
    except OSError as error:
        raise RefusedError(Exit.OPEN_FAILED, f"{device['name']}: {plain_text(error)}") from error
    host_api = audio.get_host_api_info_by_index(device["hostApi"])["name"]
    latencies = _plausible_latency(stream.get_input_latency()), _plausible_latency(stream.get_output_latency())
    inputs = int(device["maxInputChannels"])
    return StreamInfo(device["name"], host_api, device["defaultSampleRate"], channels, *latencies, inputs), stream


def _plausible_latency(latency: float) -> float:
    """Return the latency in seconds; 0 for PipeWire's underflow of no latency, nearly 2**32 frames."""
    return latency if latency < _LONGEST_LATENCY else 0.0


def output_channels(device: DeviceInfo) -> int:
    """Return the number of channels of an output stream, at most two."""
    return min(int(device["maxOutputChannels"]), 2)
