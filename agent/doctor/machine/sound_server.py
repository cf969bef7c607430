"""Which sound servers run, and with which settings: JACK's by its command line, PipeWire's by `pw-metadata`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from agent.doctor.machine.audio_user import AudioUser
from collectors.findings import Finding, Severity
from collectors.host import audio_servers
from collectors.kernel_files import read_text

_LATE = 0.030
"""Seconds in the buffers of one device above which a player hears the delay."""

_PATIENCE = 10.0
_SETTING = re.compile(r"key:'([\w.-]+)' value:'([^']*)'")
_VALUES = {
    "-p": "period",
    "--period": "period",
    "-n": "periods",
    "--nperiods": "periods",
    "-r": "rate",
    "--rate": "rate",
}


@dataclass(frozen=True, slots=True)
class Jack:
    """What JACK was started with (jackd(1)).

    Attributes:
        realtime: Whether it has real-time threads.
        driver: Such as `alsa`.
        period: Frames in a buffer.
        periods: Buffers in the device.
        rate: Frames a second.
    """

    realtime: bool
    driver: str
    period: int = 1024
    periods: int = 2
    rate: int = 48000

    @property
    def latency(self) -> float:
        """Seconds from a sample's writing to its being heard, by the sizes alone."""
        return self.period * self.periods / self.rate


def parse_jack(arguments: Sequence[str]) -> Jack:
    """The settings on a command line; the options behind `-d` are the driver's."""
    words = [part for word in arguments[1:] for part in _split(word)]
    at = next((index for index, word in enumerate(words) if word in {"-d", "--driver"}), len(words))
    server, driver = words[:at], words[at + 1 :]
    named = {_VALUES[word]: int(value) for word, value in pairwise(driver) if word in _VALUES and value.isdecimal()}
    return Jack(realtime=not {"-r", "--no-realtime"} & set(server), driver=driver[0] if driver else "", **named)


def running(proc: Path) -> dict[str, list[str]]:
    """The command line of each sound server that runs, by its name."""
    found = {}
    for pid in audio_servers.servers(proc):
        try:
            words = read_text(proc / pid / "cmdline").rstrip("\0").split("\0")
            found[read_text(proc / pid / "comm").strip()] = words
        except OSError:  # ended while we looked
            continue
    return found


def check(servers: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    """Findings about the servers' settings, and about those that want the same device."""
    if "jackd" in servers:
        yield from _jack(parse_jack(servers["jackd"]))
    if {"pulseaudio", "pipewire-pulse"} <= servers.keys():
        yield _rivals(["pulseaudio", "pipewire-pulse"], Severity.WARNING)
    if {"pulseaudio", "jackd"} <= servers.keys():
        yield _rivals(["pulseaudio", "jackd"], Severity.INFO)


def pipewire_settings(player: AudioUser) -> dict[str, str]:
    """The settings of the player's PipeWire by their names; none if it runs not, or does not answer."""
    command = shutil.which("pw-metadata")
    if not command or player.server != "pipewire":
        return {}
    place = {"XDG_RUNTIME_DIR": f"/run/user/{player.person.uid}"}
    done = subprocess.run(  # noqa: S603 - PipeWire's own program, which asks and changes nothing
        [command, "-n", "settings"],
        env=place | dict(os.environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )
    return parse_settings(done.stdout)


def parse_settings(text: str) -> dict[str, str]:
    """The settings that `pw-metadata -n settings` prints."""
    return dict(_SETTING.findall(text))


def check_pipewire(settings: Mapping[str, str]) -> list[Finding]:
    """A finding if programs cannot have small buffers however they ask."""
    rate = int(settings.get("clock.force-rate") or 0) or int(settings.get("clock.rate") or 0)
    forced = int(settings.get("clock.force-quantum") or 0)
    least = forced or int(settings.get("clock.min-quantum") or 0)
    if not rate or least / rate <= _LATE / 2:
        return []
    return [
        Finding(
            code="pipewire-buffers-large",
            title="PipeWire gives programs large buffers only",
            severity=Severity.INFO,
            detail=f"{'clock.force-quantum' if forced else 'clock.min-quantum'} is {least} frames at {rate} Hz,"
            f" {least / rate * 1000:.0f} ms; at most {_LATE / 2 * 1000:.0f} ms are expected.",
            affects="Live playing feels late; nothing drops out because of it.",
            remedy=(
                "pw-metadata -n settings 0 clock.force-quantum 0",
                "pw-metadata -n settings 0 clock.min-quantum 64  # until PipeWire restarts",
            ),
        )
    ]


def _split(word: str) -> list[str]:
    """An option and its value, which may be one word: `-p256`, `--period=256`."""
    if word.startswith("--"):
        return word.split("=", 1)
    return [word[:2], word[2:]] if word.startswith("-") and len(word) > len("-p") else [word]


def _jack(jack: Jack) -> Iterator[Finding]:
    if not jack.realtime:
        yield Finding(
            code="jack-not-realtime",
            title="JACK was told to run without real-time priority",
            severity=Severity.WARNING,
            detail="Its command line has -r (--no-realtime) before the driver.",
            affects="Any busy program can hold JACK up: it drops out under load.",
            remedy=("start it without -r; in QjackCtl: Setup, Parameters, Realtime",),
        )
    if jack.latency > _LATE:
        yield Finding(
            code="jack-buffers-large",
            title="JACK's buffers are large",
            severity=Severity.INFO,
            detail=f"{jack.periods} buffers of {jack.period} frames at {jack.rate} Hz are {jack.latency * 1000:.0f} ms;"
            f" at most {_LATE * 1000:.0f} ms are expected where somebody plays live.",
            affects="Live playing feels late; nothing drops out because of it.",
            remedy=("jack_bufsize 256  # at once, until JACK restarts; jackd's -p makes it last",),
        )


def _rivals(names: Sequence[str], severity: Severity) -> Finding:
    return Finding(
        code="sound-servers-rival",
        title=f"{' and '.join(names)} both run",
        severity=severity,
        detail="Expected one sound server for a device, found two that open the same ones.",
        affects="The one that comes second does not get the device, or takes it away from the other.",
        remedy=(
            "systemctl --user disable --now pulseaudio.service pulseaudio.socket  # as the user who plays",
            "sudo apt purge pulseaudio  # where PipeWire is to serve all programs",
        ),
    )
