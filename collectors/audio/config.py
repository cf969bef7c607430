"""The section `[audio]` of the configuration."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from collectors.audio.causes.kernel.helper.protocol import SOCKET


class AudioConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The section `[audio]`.

    Attributes:
        enabled: True to watch the audio device.
        observers: The observers of the device. `passive` is a JACK client without a stream (xruns, graph load), `probe`
            a stream in a child process (buffer timing, levels). `auto` is both if a JACK server answers, and on macOS
            the probe.
        device: The device's name as JACK or PortAudio lists it; empty for the default one.
        jack_server: The JACK server's name; empty for `$JACK_DEFAULT_SERVER`, or `default` without it.
        explain: True to record evidence and to analyse the cause of each dropout.
        kernel_recorder: The socket of the kernel recorder, which traces the kernel for the analysis; empty for none.
        channels: Number of input channels that the probe measures; 0 for all, up to 64.
    """

    enabled: bool = True
    observers: Literal["auto", "passive", "probe"] = "auto"
    device: str = ""
    jack_server: str = ""
    channels: Annotated[int, msgspec.Meta(ge=0, le=64)] = 0
    explain: bool = True
    kernel_recorder: str = SOCKET
