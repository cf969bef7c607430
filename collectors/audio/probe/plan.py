"""The observers and the stream to run, from the configuration, the platform and the passive client's view. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from collectors.audio.config import AudioConfig
from collectors.audio.jack.passive import PassiveView
from collectors.audio.probe.backoff import Step
from collectors.audio.probe.protocol import Direction

_LARGE_BUFFER = 4096
"""Frames of a buffer that a busy machine can keep: from 21 ms at 192 kHz to 93 ms at 44.1 kHz."""


@dataclass(frozen=True, slots=True)
class ProbePlan:
    """The stream that the probe should have now; a changed plan needs a new stream.

    Attributes:
        device: The device's name; empty for PortAudio's default.
        jack_only: Whether JACK is the only host API to use.
        direction: The direction of the stream.
        channels: The number of channels, as in the configuration.
        jack_server: The server's name, as in the configuration.
        rate: The server's frames a second; 0 if unknown.
        block: The server's frames a cycle; 0 if unknown. PortAudio keeps the old number after a change.
        frames: Frames of a buffer on a device without a server; 0 for the device's own.
    """

    device: str
    jack_only: bool
    direction: Direction
    channels: int
    jack_server: str
    rate: int = 0
    block: int = 0
    frames: int = 0


def wants_passive(config: AudioConfig, *, macos: bool) -> bool:
    """Return whether the passive JACK client should run; on macOS only on request, because JACK is rare there."""
    return config.observers == "passive" or (config.observers == "auto" and not macos)


def watched_device(config: AudioConfig, view: PassiveView, before: str = "") -> str:
    """Return the JACK device that both observers report on; empty if the server does not have it.

    Args:
        config: The section `[audio]`.
        view: The passive client's view.
        before: The device that was watched last. It stays while the server lists it.
    """
    if config.device:
        return config.device if config.device in view.devices else ""
    if before in view.devices:
        return before
    return view.devices[0] if view.devices else ""


def probe_plan(config: AudioConfig, view: PassiveView, *, macos: bool, before: str = "") -> ProbePlan | None:
    """Return the stream to open, or None. The arguments are those of `watched_device`.

    On Linux, `auto` uses only a running JACK server, which all programs share. An ALSA device that the agent opened
    would be unavailable to others. On macOS, `auto` is output only, which needs no consent for the microphone.
    """
    if config.observers == "probe":
        return ProbePlan(config.device, False, "output" if macos else "auto", config.channels, config.jack_server)
    if config.observers != "auto":
        return None
    if macos:
        return ProbePlan(config.device, False, "output", config.channels, config.jack_server)
    device = watched_device(config, view, before)
    if view.state != "running" or not device:
        return None
    return ProbePlan(device, True, "auto", config.channels, config.jack_server, view.rate, view.block)


def backed_off(plan: ProbePlan | None, step: Step) -> ProbePlan | None:
    """Return the plan after the back-off."""
    if plan is None or step == Step.FULL:
        return plan
    return replace(plan, channels=1, frames=_LARGE_BUFFER) if step == Step.LESS else None
