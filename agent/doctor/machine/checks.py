"""The checks of this machine: can it do low-latency audio. One list; each subject is a module of its own.

For Linux. Where nobody makes sound, one finding says so and all the others stay quiet.
"""

from __future__ import annotations

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
from agent.doctor.machine.audio_user import player
from agent.doctor.machine.user import home
from collectors.findings import Check, Finding, Severity

NO_AUDIO = "machine-no-audio"


def machine_checks(root: Path) -> tuple[Check, ...]:
    """The checks of the machine whose files are under `root`, those that ask programs last."""
    return (
        Check("machine.audio", "Sound is made on this machine", partial(_audio, root)),
        _check(root, "devices", "The sound devices can be used", _devices),
        _check(root, "limits", "Audio programs may have real-time priority", _limits),
        _check(root, "kernel", "The kernel lets audio threads run at once", _kernel),
        _check(root, "timers", "Timers and clocks are exact and quick", _timers),
        _check(root, "processors", "The processors give audio all they have", _processors),
        _check(root, "memory", "Memory stays in memory", _memory),
        _check(root, "interrupts", "Sound and USB devices have their own interrupts", _interrupts),
        _check(root, "power", "Saving power does not cost sound", _power),
        _check(root, "filesystems", "Files that audio needs are at hand", _filesystems),
        _check(root, "soundserver", "The sound servers are set up for playing live", _soundserver),
        _check(root, "pipewire", "PipeWire gives programs the buffers that they ask for", _pipewire, slow=True),
    )


def _check(
    root: Path, word: str, title: str, look: Callable[[Path], Iterable[Finding]], *, slow: bool = False
) -> Check:
    def run() -> Sequence[Finding]:
        return [replace(found, depends_on=(NO_AUDIO, *found.depends_on)) for found in look(root)]

    return Check(f"machine.{word}", title, run, slow=slow)


def _audio(root: Path) -> list[Finding]:
    if devices.cards(root) or sound_server.running(root / "proc"):
        return []
    return [
        Finding(
            code=NO_AUDIO,
            title="Nobody makes sound on this machine",
            severity=Severity.INFO,
            detail="Expected a sound card in /proc/asound/cards or a sound server that runs, found neither.",
            affects="What decides about low-latency audio is not looked at; all else is.",
            remedy=("start the sound server, or plug the interface in, and run wr-agent doctor again",),
        )
    ]


def _devices(root: Path) -> Iterable[Finding]:
    yield from devices.check_access(devices.nodes(root), player(root).person)
    yield from devices.check_owners(devices.streams(root), sound_server.running(root / "proc"))


def _limits(root: Path) -> Iterable[Finding]:
    return limits.check(player(root), rtkit=limits.has_rtkit(root))


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
    yield from power.idle(power.wake_up_latency(root), root / power.LATENCY_DEVICE, player(root).person)
    yield from power.devices(root)


def _filesystems(root: Path) -> Iterable[Finding]:
    return filesystems.check(filesystems.read(root), home(player(root).person))


def _soundserver(root: Path) -> Iterable[Finding]:
    return sound_server.check(sound_server.running(root / "proc"))


def _pipewire(root: Path) -> Iterable[Finding]:
    return sound_server.check_pipewire(sound_server.pipewire_settings(player(root)))
