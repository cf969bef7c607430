"""Sound devices: access rights, and the processes that hold them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from agent.doctor.machine.user import READ, WRITE, User, group
from collectors import remedies
from collectors.audio.alsa.proc import OpenStream, Substream, parse_cards, read_streams
from collectors.findings import Finding, Severity
from collectors.host.audio_servers import SERVERS
from collectors.kernel_files import read_text


def cards(root: Path) -> list[str]:
    """Return the identifiers of the sound cards."""
    try:
        return list(parse_cards(read_text(root / "proc/asound/cards")).values())
    except OSError:
        return []


def nodes(root: Path) -> list[Path]:
    """Return the device files of playback and capture."""
    return sorted((root / "dev/snd").glob("pcm*"))


def streams(root: Path) -> dict[Substream, OpenStream]:
    """Return the open streams of all cards."""
    return read_streams(root / "proc/asound", root / "proc")


def check_access(paths: Iterable[Path], user: User) -> list[Finding]:
    """Return a finding if the audio user may not open sound devices."""
    closed = [path for path in paths if user.obstacle(path, READ | WRITE)]
    if not closed:
        return []
    owner = group(closed[0].stat().st_gid)
    return [
        Finding(
            code="audio-device-forbidden",
            title="The audio user may not open the sound devices",
            severity=Severity.FAILURE,
            detail=f"Expected {user.name} to be able to open {closed[0]} (of {len(closed)}),"
            f" found that only the group {owner} may.",
            affects="Sound servers and programs of this user find no device.",
            remedy=(
                *remedies.join_group(user.name, owner),
                "log out and in again; for a service, restart it",
                *remedies.command("loginctl", "on a desktop, the active session at the screen has access by itself"),
            ),
        )
    ]


def check_owners(opened: Mapping[Substream, OpenStream], servers: Iterable[str]) -> list[Finding]:
    """Return a finding if programs other than the running sound server hold devices."""
    others = {
        f"{stream.owner or 'an unseen process'} holds {substream.device} ({substream.direction})"
        for substream, stream in opened.items()
        if stream.owner not in SERVERS
    }
    if not others or not set(servers):
        return []
    return [
        Finding(
            code="audio-device-held-by-others",
            title="Programs hold sound devices that the sound server may need",
            severity=Severity.INFO,
            detail=f"Expected the sound server alone, found: {'; '.join(sorted(others))}.",
            affects="The sound server cannot open these devices.",
            remedy=(*remedies.command("fuser -v /dev/snd/*"), "configure these programs to use the sound server"),
            depends_on=("audio-alsa-held",),
        )
    ]
