import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.doctor.machine import sound_server
from agent.doctor.machine.audio_user import AudioUser, audio_user
from agent.doctor.machine.checks import machine_checks
from agent.doctor.machine.sound_server import Jack
from collectors.findings import Finding
from tests.agent.doctor.support import LIMITS, MYSELF, STRANGER, Machine, codes, process, severities
from tests.support.jackd import Jackd
from tests.support.pipewire import PipeWire
from tests.support.waiting import PATIENCE


@pytest.fixture(scope="module")
def jackd() -> Iterator[Jackd]:
    """A real JACK server."""
    server = Jackd()
    server.start()
    yield server
    server.close()


SETTINGS = (
    "update: id:0 key:'clock.rate' value:'48000' type:''\nupdate: id:0 key:'clock.min-quantum' value:'{}' type:''\n"
)


TABLE = """\
            CPU0       CPU1
  16:        100          0   IO-APIC   16-fasteoi   snd_hda_intel:card0, nvidia
  17:          0        100   IO-APIC   17-fasteoi   ehci_hcd:usb1, i801_smbus
  24:         10          0   PCI-MSI 512000-edge      xhci_hcd
 NMI:          0          0   Non-maskable interrupts
"""


CARDS = " 0 [PCH            ]: HDA-Intel - HDA Intel PCH\n                      HDA Intel PCH at 0xf7f10000\n"


def look(root: Path) -> list[Finding]:
    return [finding for check in machine_checks(root) for finding in check.run()]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("jackd -d alsa", Jack(True, "alsa")),
        ("jackd -R -P70 -d alsa -d hw:1 -p256 -n3 -r44100", Jack(True, "alsa", 256, 3, 44100)),
        ("jackd -r --driver=dummy --period 64 --rate=96000", Jack(False, "dummy", 64, 2, 96000)),
        ("jackd --no-realtime -ddummy -p 128", Jack(False, "dummy", 128)),
        ("jackd", Jack(True, "")),
    ],
)
def test_jacks_command_line(line: str, expected: Jack) -> None:
    assert sound_server.parse_jack(line.split()) == expected


def test_a_real_jack_server_is_seen_with_its_settings(jackd: Jackd) -> None:
    words = sound_server.running(Path("/proc"))["jackd"]

    assert sound_server.parse_jack(words).driver == "dummy"
    assert audio_user(Path("/")).server in {"jackd", "pipewire"}
    assert f"/proc/{jackd.pid}" in {str(path) for path in Path("/proc").glob("[0-9]*")}


@pytest.mark.parametrize(
    ("servers", "expected"),
    [
        ({"jackd": ["jackd", "-R", "-d", "alsa", "-p", "256"]}, []),
        ({"jackd": ["jackd", "-r", "-d", "alsa", "-p", "256"]}, ["jack-not-realtime"]),
        ({"jackd": ["jackd", "-d", "alsa", "-p", "2048"]}, ["jack-buffers-large"]),
        ({"pulseaudio": [], "pipewire-pulse": []}, ["sound-servers-rival"]),
        ({"pulseaudio": [], "jackd": ["jackd"]}, ["jack-buffers-large", "sound-servers-rival"]),
        ({"pipewire": [], "pipewire-pulse": [], "wireplumber": []}, []),
    ],
)
def test_findings_of_sound_servers(servers: dict[str, list[str]], expected: list[str]) -> None:
    assert codes(sound_server.check(servers)) == expected


@pytest.mark.parametrize(("least", "expected"), [(32, []), (1024, ["pipewire-buffers-large"])])
def test_large_buffers_of_pipewire_are_found(least: int, expected: list[str]) -> None:
    assert codes(sound_server.check_pipewire(sound_server.parse_settings(SETTINGS.format(least)))) == expected


def test_a_forced_quantum_goes_before_the_least() -> None:
    settings = {"clock.rate": "48000", "clock.min-quantum": "32", "clock.force-quantum": "2048"}

    (found,) = sound_server.check_pipewire(settings)

    assert "clock.force-quantum is 2048 frames" in found.detail


def test_a_real_pipewire_is_asked_for_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    pipewire = PipeWire()
    try:
        pipewire.start()
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(pipewire.folder))
        mine = AudioUser(MYSELF, "pipewire", None)

        before = sound_server.pipewire_settings(mine)
        force = ["pw-metadata", "-n", "settings", "0", "clock.force-quantum", "2048"]
        subprocess.run(force, check=True, env=os.environ.copy(), stdout=subprocess.DEVNULL, timeout=PATIENCE)
        after = sound_server.pipewire_settings(mine)
    finally:
        pipewire.close()

    assert (before["clock.rate"], codes(sound_server.check_pipewire(before))) == ("48000", [])
    assert codes(sound_server.check_pipewire(after)) == ["pipewire-buffers-large"]


def test_silence_where_pipewire_says_nothing() -> None:
    assert sound_server.check_pipewire({}) == []


def test_a_machine_without_sound_says_so_once(tmp_path: Path) -> None:
    (first, *others) = look(tmp_path)

    assert (first.code, first.severity) == ("machine-no-audio", "info")
    assert all("machine-no-audio" in finding.depends_on for finding in others)


def test_a_machine_with_a_card_or_a_server_is_looked_at(machine: Machine) -> None:
    root = machine({"proc/asound/cards": CARDS})

    assert "machine-no-audio" not in codes(look(root))


def test_a_badly_set_up_studio(machine: Machine) -> None:
    root = machine(
        process(5, "jackd", uid=1000, command="jackd -r -d alsa -p 256", limits=LIMITS.format(locked=65536, priority=0))
        | {"proc/interrupts": TABLE, "proc/cmdline": "quiet"}
    )

    found = severities(look(root))

    assert found["audio-priority-denied"] == "warning"
    assert found["audio-memory-not-lockable"] == "warning"
    assert found["jack-not-realtime"] == "warning"
    assert found["interrupt-shared"] == "info"


def test_every_check_has_a_name_of_its_own_and_can_look_at_this_machine() -> None:
    checks = machine_checks(Path("/"))

    assert len({check.name for check in checks}) == len(checks)
    for check in checks:
        for finding in check.run():
            assert finding.detail
            assert finding.affects


def test_pipewire_is_asked_where_it_is_the_audio_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "pw-metadata"
    program.write_text(
        f"#!/bin/sh\necho \"$XDG_RUNTIME_DIR $*\" > {tmp_path}/asked\ncat <<'END'\n{SETTINGS.format(1024)}END\n"
    )
    program.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda _: str(program))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)

    settings = sound_server.pipewire_settings(AudioUser(STRANGER, "pipewire", None))

    assert settings == {"clock.rate": "48000", "clock.min-quantum": "1024"}
    assert (tmp_path / "asked").read_text() == "/run/user/4711 -n settings\n"
    assert sound_server.pipewire_settings(AudioUser(STRANGER, "jackd", None)) == {}
