"""The list of the machine's checks. Each subject has a module of its own.

Linux only. On a machine without audio, one finding says so and hides all others.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from agent.doctor.machine import (
    devices,
    filesystems,
    interrupts,
    kernel,
    limits,
    memory,
    power,
    processors,
    sound_server,
    timers,
)
from agent.doctor.machine.audio_user import audio_user
from agent.doctor.machine.user import home
from collectors.findings import Check, Finding, Severity

NO_AUDIO = "machine-no-audio"

_NOT_HERE = "" if sys.platform == "linux" else "only on Linux"


def machine_checks(root: Path) -> tuple[Check, ...]:
    """Return the checks of the machine with its files under `root`, those that run programs last."""
    return (
        Check("machine.audio", "This machine has audio", partial(_audio, root), skip=_NOT_HERE),
        _check(root, "devices", "The sound devices can be used", _devices),
        _check(root, "limits", "Audio programs may have real-time priority", _limits),
        _check(root, "kernel", "The kernel schedules audio threads at once", _kernel),
        _check(root, "timers", "Timers are precise and clocks are fast to read", _timers),
        _check(root, "processors", "The processors run at full speed", _processors),
        _check(root, "memory", "Memory is not swapped out early", _memory),
        _check(root, "interrupts", "Sound and USB devices do not share interrupts", _interrupts),
        _check(root, "power", "Power saving does not disturb audio", _power),
        _check(root, "filesystems", "The file systems suit audio", _filesystems),
        _check(root, "soundserver", "The sound servers are configured for live audio", _soundserver),
        _check(root, "pipewire", "PipeWire grants small buffers", _pipewire, slow=True),
    )


def _check(
    root: Path, word: str, title: str, look: Callable[[Path], Iterable[Finding]], *, slow: bool = False
) -> Check:
    def run() -> Sequence[Finding]:
        return [replace(found, depends_on=(NO_AUDIO, *found.depends_on)) for found in look(root)]

    return Check(f"machine.{word}", title, run, slow=slow, skip=_NOT_HERE)


def _audio(root: Path) -> list[Finding]:
    if devices.cards(root) or sound_server.running(root / "proc"):
        return []
    return [
        Finding(
            code=NO_AUDIO,
            title="This machine has no audio",
            severity=Severity.INFO,
            detail="Expected a sound card in /proc/asound/cards or a running sound server, found neither.",
            affects="The checks for low-latency audio are skipped.",
            remedy=("start the sound server or plug in the interface", "wr-agent doctor  # again"),
        )
    ]


def _devices(root: Path) -> Iterable[Finding]:
    yield from devices.check_access(devices.nodes(root), audio_user(root).user)
    yield from devices.check_owners(devices.streams(root), sound_server.running(root / "proc"))


def _limits(root: Path) -> Iterable[Finding]:
    return limits.check(audio_user(root), rtkit=limits.has_rtkit(root))


def _kernel(root: Path) -> Iterable[Finding]:
    return kernel.check(kernel.preemption(root), threaded=kernel.threaded_interrupts(root))


def _timers(root: Path) -> Iterable[Finding]:
    return timers.check(time.clock_getres(time.CLOCK_MONOTONIC), timers.clock_source(root))


def _processors(root: Path) -> Iterable[Finding]:
    return processors.check(processors.caps(root), shared=processors.shares_cores(root))


def _memory(root: Path) -> Iterable[Finding]:
    return memory.check(memory.swaps(root), memory.swappiness(root))


def _interrupts(root: Path) -> Iterable[Finding]:
    return interrupts.check(interrupts.read(root))


def _power(root: Path) -> Iterable[Finding]:
    yield from power.idle(power.wake_up_latency(root), root / power.LATENCY_DEVICE, audio_user(root).user)
    yield from power.devices(root)


def _filesystems(root: Path) -> Iterable[Finding]:
    return filesystems.check(filesystems.read(root), home(audio_user(root).user), filesystems.shared_space(root))


def _soundserver(root: Path) -> Iterable[Finding]:
    return sound_server.check(sound_server.running(root / "proc"))


def _pipewire(root: Path) -> Iterable[Finding]:
    return sound_server.check_pipewire(sound_server.pipewire_settings(audio_user(root)))
