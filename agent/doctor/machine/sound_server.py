"""Running sound servers and their settings: JACK's command line, PipeWire's `pw-metadata`."""

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
from collectors import remedies
from collectors.findings import Finding, Severity
from collectors.host import audio_servers
from collectors.kernel_files import read_text

_LATE = 0.030
"""Seconds of buffering above which a player hears the delay."""

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
    """The settings on JACK's command line (jackd(1)).

    Attributes:
        realtime: True if it has real-time threads.
        driver: The driver's name, such as `alsa`.
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
        """Output latency of the buffers alone, in seconds."""
        return self.period * self.periods / self.rate


def parse_jack(arguments: Sequence[str]) -> Jack:
    """Return the settings on a command line; options after `-d` belong to the driver."""
    words = [part for word in arguments[1:] for part in _split(word)]
    at = next((index for index, word in enumerate(words) if word in {"-d", "--driver"}), len(words))
    server, driver = words[:at], words[at + 1 :]
    named = {_VALUES[word]: int(value) for word, value in pairwise(driver) if word in _VALUES and value.isdecimal()}
    return Jack(realtime=not {"-r", "--no-realtime"} & set(server), driver=driver[0] if driver else "", **named)


def running(proc: Path) -> dict[str, list[str]]:
    """Return the command line of each running sound server, by name."""
    found = {}
    for pid in audio_servers.servers(proc):
        try:
            words = read_text(proc / pid / "cmdline").rstrip("\0").split("\0")
            found[read_text(proc / pid / "comm").strip()] = words
        except OSError:  # the process has ended
            continue
    return found


def check(servers: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    """Yield findings on the servers' settings, and on servers that compete for a device."""
    if "jackd" in servers:
        yield from _jack(parse_jack(servers["jackd"]))
    if {"pulseaudio", "pipewire-pulse"} <= servers.keys():
        yield _rivals(["pulseaudio", "pipewire-pulse"], Severity.WARNING)
    if {"pulseaudio", "jackd"} <= servers.keys():
        yield _rivals(["pulseaudio", "jackd"], Severity.INFO)


def pipewire_settings(audio: AudioUser) -> dict[str, str]:
    """Return the settings of the audio user's PipeWire; none if it does not run or answer."""
    command = shutil.which("pw-metadata")
    if not command or audio.server != "pipewire":
        return {}
    place = {"XDG_RUNTIME_DIR": f"/run/user/{audio.user.uid}"}
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
    """Parse the output of `pw-metadata -n settings`."""
    return dict(_SETTING.findall(text))


def check_pipewire(settings: Mapping[str, str]) -> list[Finding]:
    """Return a finding if PipeWire denies programs small buffers."""
    rate = int(settings.get("clock.force-rate") or 0) or int(settings.get("clock.rate") or 0)
    forced = int(settings.get("clock.force-quantum") or 0)
    least = forced or int(settings.get("clock.min-quantum") or 0)
    if not rate or least / rate <= _LATE / 2:
        return []
    return [
        Finding(
            code="pipewire-buffers-large",
            title="PipeWire grants programs only large buffers",
            severity=Severity.INFO,
            detail=f"{'clock.force-quantum' if forced else 'clock.min-quantum'} is {least} frames at {rate} Hz,"
            f" {least / rate * 1000:.0f} ms; at most {_LATE / 2 * 1000:.0f} ms are expected.",
            affects="Live playing feels late. It causes no dropouts.",
            remedy=(
                *remedies.command("pw-metadata -n settings 0 clock.force-quantum 0"),
                *remedies.command("pw-metadata -n settings 0 clock.min-quantum 64", "until PipeWire restarts"),
            ),
        )
    ]


def _split(word: str) -> list[str]:
    """Split an option from its value: `-p256`, `--period=256`."""
    if word.startswith("--"):
        return word.split("=", 1)
    return [word[:2], word[2:]] if word.startswith("-") and len(word) > len("-p") else [word]


def _jack(jack: Jack) -> Iterator[Finding]:
    if not jack.realtime:
        yield Finding(
            code="jack-not-realtime",
            title="JACK runs without real-time priority",
            severity=Severity.WARNING,
            detail="Expected real-time scheduling, found -r (--no-realtime) before the driver on its command line.",
            affects="Any busy program can delay JACK. It drops out under load.",
            remedy=("start it without -r; in QjackCtl: Setup, Parameters, Realtime",),
        )
    if jack.latency > _LATE:
        yield Finding(
            code="jack-buffers-large",
            title="JACK's buffers are large",
            severity=Severity.INFO,
            detail=f"{jack.periods} buffers of {jack.period} frames at {jack.rate} Hz are {jack.latency * 1000:.0f} ms;"
            f" at most {_LATE * 1000:.0f} ms are expected for live playing.",
            affects="Live playing feels late. It causes no dropouts.",
            remedy=remedies.command("jack_bufsize 256", "at once, until JACK restarts; jackd's -p makes it last"),
        )


def _rivals(names: Sequence[str], severity: Severity) -> Finding:
    return Finding(
        code="sound-servers-rival",
        title=f"{' and '.join(names)} both run",
        severity=severity,
        detail="Expected one sound server for a device, found two that open the same ones.",
        affects="The second server gets no device, or takes it from the first.",
        remedy=(
            *remedies.command("systemctl --user disable --now pulseaudio.service pulseaudio.socket", "as its user"),
            *(f"{line}  # if PipeWire serves all programs" for line in remedies.remove("pulseaudio")),
        ),
    )
