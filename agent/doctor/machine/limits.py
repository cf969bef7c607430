"""What the player's audio threads are allowed: real-time priority and memory that stays in place."""

from __future__ import annotations

from pathlib import Path

from agent.doctor.machine.audio_user import AudioUser
from collectors.findings import Finding, Severity

ENOUGH_PRIORITY = 20
"""RealtimeKit gives no more, and JACK asks for 10."""

ENOUGH_LOCKED = 128 << 20
"""Bytes: JACK maps about a hundred MiB."""

_RTKIT = ("usr/lib/systemd/system/rtkit-daemon.service", "lib/systemd/system/rtkit-daemon.service")


def has_rtkit(root: Path) -> bool:
    """Whether RealtimeKit is installed, which PipeWire and PulseAudio ask where limits give them nothing."""
    return any((root / path).exists() for path in _RTKIT)


def check(player: AudioUser, *, rtkit: bool) -> list[Finding]:
    """Findings for limits that are too low; root has none."""
    if player.person.uid == 0:
        return [] if player.server else [_nobody()]
    if player.limits is None:
        return [_unreadable(player)]
    found = []
    if player.limits.priority < ENOUGH_PRIORITY:
        found.append(_priority(player, player.limits.priority, rtkit=rtkit and player.server != "jackd"))
    if player.limits.locked_bytes < ENOUGH_LOCKED:
        found.append(_locked(player, player.limits.locked_bytes))
    return found


def _priority(player: AudioUser, found: float, *, rtkit: bool) -> Finding:
    helped = " RealtimeKit is installed and gives priority to PipeWire and PulseAudio, not to programs." * rtkit
    return Finding(
        code="audio-priority-denied",
        title="Audio programs may not have real-time priority",
        severity=Severity.INFO if rtkit else Severity.WARNING,
        detail=f"{player} may use real-time priorities up to {found:g}; at least {ENOUGH_PRIORITY} are expected."
        f"{helped}",
        affects="Audio threads wait like those of any other program: a busy machine drops out.",
        remedy=_raise_limits(player),
    )


def _locked(player: AudioUser, found: float) -> Finding:
    return Finding(
        code="audio-memory-not-lockable",
        title="Audio programs may not keep their memory from being swapped out",
        severity=Severity.WARNING if player.server == "jackd" else Severity.INFO,
        detail=f"{player} may lock {found / 2**20:.0f} MiB; at least {ENOUGH_LOCKED >> 20} MiB are expected.",
        affects="When memory gets scarce, an audio thread waits for the disk: a long dropout.",
        remedy=_raise_limits(player),
    )


def _raise_limits(player: AudioUser) -> tuple[str, ...]:
    return (
        "printf '@audio - rtprio 95\\n@audio - memlock unlimited\\n' | sudo tee /etc/security/limits.d/audio.conf",
        f"sudo usermod -aG audio {player.person.name}",
        "reboot, as sessions and the sound server keep the limits that they began with",
    )


def _nobody() -> Finding:
    return Finding(
        code="audio-limits-unknown",
        title="Nobody's limits could be looked at",
        severity=Severity.INFO,
        detail="No sound server runs, and doctor runs as root, whom no limit binds.",
        affects="Whether audio programs may have real-time priority is not known.",
        remedy=("wr-agent doctor --only machine.limits  # as the user who plays, or while the sound server runs",),
    )


def _unreadable(player: AudioUser) -> Finding:
    return Finding(
        code="audio-limits-unreadable",
        title="The sound server's limits cannot be read",
        severity=Severity.INFO,
        detail=f"Expected to read the limits of {player}, which only that user and root may.",
        affects="Whether audio programs may have real-time priority is not known.",
        remedy=("sudo wr-agent doctor --only machine.limits",),
    )
