"""Who watches, decided from the configuration, the platform and what the passive client sees. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from collectors.audio.config import AudioConfig
from collectors.audio.jack.passive import PassiveView
from collectors.audio.probe.backoff import Step
from collectors.audio.probe.protocol import Direction

_LARGE_BUFFER = 4096
"""Frames: from 21 ms at 192 kHz to 93 ms at 44.1 kHz, which also a busy machine keeps."""


@dataclass(frozen=True, slots=True)
class ProbePlan:
    """The stream that the probe should have now. A plan that differs from the last one means a new stream.

    Attributes:
        device: The device's name; empty for PortAudio's default.
        jack_only: Whether no other host API than JACK may be touched.
        direction: What kind of stream.
        channels: As in the configuration.
        jack_server: As in the configuration.
        rate: The server's frames a second; 0 if not known.
        block: The server's frames a cycle; 0 if not known. PortAudio would go on with the old one after a change.
        frames: Frames of a buffer, where that is ours to choose; 0 for the device's own.
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
    """Whether the passive JACK client is to run. On macOS only if asked for: CoreAudio, not JACK, is the rule there."""
    return config.observers == "passive" or (config.observers == "auto" and not macos)


def watched_device(config: AudioConfig, view: PassiveView, before: str = "") -> str:
    """The JACK device that both observers report on; empty if the server does not have it.

    Args:
        config: The section `[audio]`.
        view: What the passive client sees.
        before: The device that was watched last: one that comes later and is listed first does not take its place.
    """
    if config.device:
        return config.device if config.device in view.devices else ""
    if before in view.devices:
        return before
    return view.devices[0] if view.devices else ""


def probe_plan(config: AudioConfig, view: PassiveView, *, macos: bool, before: str = "") -> ProbePlan | None:
    """What the probe should open; None for nothing. The arguments are those of `watched_device`.

    `auto` on Linux keeps to a running JACK server, where a further client takes nothing from anybody: an ALSA device
    opened by us could be missing to others. On macOS it is output only, which needs no consent for the microphone.
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
    """The plan as far as it may be carried out."""
    if plan is None or step == Step.FULL:
        return plan
    return replace(plan, channels=1, frames=_LARGE_BUFFER) if step == Step.LESS else None
