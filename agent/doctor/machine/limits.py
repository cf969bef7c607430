"""Limits of the audio user: real-time priority and locked memory."""

from __future__ import annotations

from pathlib import Path

from agent.doctor.machine.audio_user import AudioUser
from collectors import remedies
from collectors.findings import Finding, Severity

ENOUGH_PRIORITY = 20
"""The highest priority that RealtimeKit grants; JACK asks for 10."""

ENOUGH_LOCKED = 128 << 20
"""Bytes; JACK maps about 100 MiB."""

_RTKIT = ("usr/lib/systemd/system/rtkit-daemon.service", "lib/systemd/system/rtkit-daemon.service")


def has_rtkit(root: Path) -> bool:
    """Return True if RealtimeKit is installed; PipeWire and PulseAudio ask it for priority."""
    return any((root / path).exists() for path in _RTKIT)


def check(audio: AudioUser, *, rtkit: bool) -> list[Finding]:
    """Return findings for limits that are too low; root has no limits."""
    if audio.user.uid == 0:
        return [] if audio.server else [_no_audio_user()]
    if audio.limits is None:
        return [_unreadable(audio)]
    found = []
    if audio.limits.priority < ENOUGH_PRIORITY:
        found.append(_priority(audio, audio.limits.priority, rtkit=rtkit and audio.server != "jackd"))
    if audio.limits.locked_bytes < ENOUGH_LOCKED:
        found.append(_locked(audio, audio.limits.locked_bytes))
    return found


def _priority(audio: AudioUser, found: float, *, rtkit: bool) -> Finding:
    helped = " RealtimeKit is installed and gives priority to PipeWire and PulseAudio, not to programs." * rtkit
    return Finding(
        code="audio-priority-denied",
        title="Audio programs may not have real-time priority",
        severity=Severity.INFO if rtkit else Severity.WARNING,
        detail=f"{audio} may use real-time priorities up to {found:g}; at least {ENOUGH_PRIORITY} are expected."
        f"{helped}",
        affects="Audio threads run at normal priority. A busy machine drops out.",
        remedy=_raise_limits(audio),
    )


def _locked(audio: AudioUser, found: float) -> Finding:
    return Finding(
        code="audio-memory-not-lockable",
        title="Audio programs may not lock their memory",
        severity=Severity.WARNING if audio.server == "jackd" else Severity.INFO,
        detail=f"{audio} may lock {found / 2**20:.0f} MiB; at least {ENOUGH_LOCKED >> 20} MiB are expected.",
        affects="When memory is scarce, an audio thread waits for the disk and drops out.",
        remedy=_raise_limits(audio),
    )


def _raise_limits(audio: AudioUser) -> tuple[str, ...]:
    return (
        "printf '@audio - rtprio 95\\n@audio - memlock unlimited\\n' | sudo tee /etc/security/limits.d/audio.conf",
        *remedies.join_group(audio.user.name, "audio"),
        "reboot: sessions and the sound server keep the limits of their start",
    )


def _no_audio_user() -> Finding:
    return Finding(
        code="audio-limits-unknown",
        title="The audio user's limits are unknown",
        severity=Severity.INFO,
        detail="Expected a running sound server, found none. Doctor runs as root, which has no limits.",
        affects="The real-time priority of audio programs is unknown.",
        remedy=("wr-agent doctor --only machine.limits  # as the audio user, or while the sound server runs",),
    )


def _unreadable(audio: AudioUser) -> Finding:
    return Finding(
        code="audio-limits-unreadable",
        title="The sound server's limits cannot be read",
        severity=Severity.INFO,
        detail=f"Expected to read the limits of {audio}, which only that user and root may.",
        affects="The real-time priority of audio programs is unknown.",
        remedy=("sudo wr-agent doctor --only machine.limits",),
    )
