"""Remedies of all findings of audio: only what this machine can run, and nothing that reaches other processes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import pytest

from collectors import remedies, system_packages
from collectors.audio import findings, macos, start_server
from collectors.audio.alsa import streams, usb
from collectors.audio.dropouts import Dropout
from collectors.audio.jack.passive import PassiveView
from collectors.audio.jack.server_process import ServerProcess
from collectors.audio.pipewire import nodes
from collectors.audio.probe.backoff import Step
from collectors.audio.probe.process import ProbeError
from collectors.audio.probe.protocol import StreamInfo
from collectors.findings import Finding, Severity

SECOND = 1_000_000_000
STREAM = StreamInfo("system", "JACK Audio Connection Kit", 48000.0, 2, 0.0, 0.0)
FAILED = ProbeError(None, "no stream")
SERVER = ServerProcess(4711, ("jackd", "-n", "stage", "-d", "dummy"))
OF_LINUX = ("apt-get", "systemctl", "journalctl", "lsusb", "dmesg", "/proc/", "/dev/snd", "ulimit", "-d alsa")
OF_MACOS = ("brew", "coreaudio", "service uninstall")
PROGRAMS = r"apt-get|brew|fuser|jack_\w+|journalctl|lsusb|dmesg|sysctl|systemctl|top"
"""Programs that may be missing. Lines that install or start a server may name what is not installed yet."""


def all_findings() -> list[Finding]:
    """Return one of each finding on this platform."""
    platform = [made(macos, "_not_followed", "it ended")] if remedies.is_macos() else linux_findings()
    return [
        findings.library_missing(Severity.WARNING, "No module.", ["jack", "pyaudio", "numpy"]),
        findings.probe_only(),
        findings.server_frozen("default", None),
        findings.server_frozen("stage", SERVER),
        findings.freewheeling("default"),
        findings.server_refuses("stage", "it answered with an error"),
        findings.server_gone("default", "it accepts no connection", None),
        findings.server_gone("stage", "it accepts no connection", SERVER),
        findings.no_server(Severity.INFO, "stage", "it accepts no connection"),
        findings.settings_changed(PassiveView(before=(44100, 512))),
        findings.device_unplugged("default", ["usb"], ["hdmi"]),
        findings.device_not_found("usb", ["hdmi"]),
        findings.passive_only(),
        findings.backed_off(Step.CLOSED, SECOND),
        findings.no_levels(STREAM),
        findings.channels_unmeasured(STREAM),
        findings.device_busy(FAILED, []),
        findings.agent_outdated(FAILED),
        findings.probe_failed(FAILED),
        findings.dropouts("system", [Dropout(0, 1, 0, 1, frozenset({"jack"}))], [], SECOND, Severity.WARNING),
        findings.load_high("system", 0.9),
        findings.clipping("system", [1]),
        findings.channels_silent("system", [1]),
        *platform,
    ]


def linux_findings() -> list[Finding]:
    makers: dict[ModuleType, dict[str, tuple[object, ...]]] = {
        streams: {"_stalled": ("hw:0",), "_left_in_xrun": ("hw:0",), "_held": (["hw:0 by reaper"],)},
        usb: {"_trouble": ("Interface", ["reset"]), "_unreadable": ("denied", ["Interface"])},
        nodes: {
            "_without_jack": (),
            "_without_tools": (),
            "_too_old": ((0, 3, 65),),
            "_too_many": (1,),
            "_broken": ("sink",),
            "_late": ("sink",),
        },
    }
    return [made(module, name, *arguments) for module, each in makers.items() for name, arguments in each.items()]


def made(module: ModuleType, name: str, *arguments: object) -> Finding:
    finding = getattr(module, name)(*arguments)
    assert isinstance(finding, Finding)
    return finding


def lines() -> list[str]:
    return [line for finding in all_findings() for line in finding.remedy]


def containing(words: Sequence[str]) -> list[str]:
    return [line for line in lines() if any(word in line for word in words)]


def with_programs(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    monkeypatch.setattr(system_packages, "find", lambda name: f"/usr/bin/{name}" if name in names else None)


def test_every_finding_is_here() -> None:
    modules = findings, streams, usb, nodes, macos
    texts = "".join(Path(str(module.__file__)).read_text() for module in modules)
    of_the_other = set() if remedies.is_macos() else {"audio-coreaudio-log"}

    assert {it.code for it in all_findings()} == set(re.findall(r'code="(audio-[a-z-]+)"', texts)) - of_the_other


def test_no_remedy_reaches_other_processes() -> None:
    assert containing(["$(", "`", "pidof", "pkill", "killall", "$JACK"]) == []


def test_every_command_can_be_run_here() -> None:
    named = [found[1] for line in lines() if (found := re.match(rf"(?:sudo )?({PROGRAMS}) ", line))]

    assert [program for program in named if not remedies.is_installed(program)] == []


def test_on_linux_no_remedy_is_of_macos(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system_packages, "is_macos", lambda: False)

    assert containing(OF_MACOS) == []


def test_on_macos_no_remedy_is_of_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system_packages, "is_macos", lambda: True)
    monkeypatch.setattr(start_server, "SOUND_CARDS", Path("/nonexistent"))

    assert containing(OF_LINUX) == []
    assert containing(["brew install jack"]) != []


def test_without_programs_no_remedy_runs_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with_programs(monkeypatch)

    assert [line for line in lines() if re.match(rf"(sudo )?({PROGRAMS}) ", line)] == []


def test_a_server_starts_on_a_sound_card_only_if_there_is_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(system_packages, "is_macos", lambda: False)
    with_programs(monkeypatch, "jackd")
    monkeypatch.setattr(start_server, "SOUND_CARDS", tmp_path)
    with_card = start_server.start_jack("default")
    monkeypatch.setattr(start_server, "SOUND_CARDS", tmp_path / "none")
    without = start_server.start_jack("stage left")

    assert [line.partition("  # ")[0] for line in with_card] == ["jackd -d alsa"]
    assert [line.partition("  # ")[0] for line in without[1:]] == ["jackd -n 'stage left' -d dummy"]
    assert "does not exist" in without[0]


def test_a_missing_server_is_installed_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system_packages, "is_macos", lambda: False)
    with_programs(monkeypatch, "apt-get")

    assert "sudo apt-get install jackd2" in start_server.start_jack("default")


def test_python_packages_are_those_that_are_missing() -> None:
    (line,) = findings.library_missing(Severity.WARNING, "No module.", ["numpy"]).remedy[-1:]

    assert "numpy" in line
    assert "PyAudio" not in line
    assert "restart the agent" in line
