from pathlib import Path

from agent.doctor.machine import devices
from tests.agent.doctor.support import STRANGER, Machine

CARDS = " 0 [PCH            ]: HDA-Intel - HDA Intel PCH\n                      HDA Intel PCH at 0xf7f10000\n"


STATUS = "state: RUNNING\nowner_pid   : 77\ntrigger_time: 1.0\nhw_ptr      : 1\nappl_ptr    : 1\n"


def test_devices_that_the_audio_user_may_not_open_are_found(open_folder: Path) -> None:
    (open_folder / "dev/snd").mkdir(parents=True)
    for name in ("pcmC0D0p", "controlC0"):
        (open_folder / "dev/snd" / name).write_text("")
    (node,) = devices.nodes(open_folder)
    node.chmod(0o660)

    (found,) = devices.check_access([node], STRANGER)

    assert found.code == "audio-device-forbidden"
    node.chmod(0o666)
    assert devices.check_access([node], STRANGER) == []


def test_programs_beside_the_sound_server_are_named(machine: Machine) -> None:
    root = machine(
        {"proc/asound/cards": CARDS, "proc/asound/card0/pcm0p/sub0/status": STATUS, "proc/77/comm": "firefox\n"}
        | {"proc/77/status": "Name:\tfirefox\nTgid:\t77\n"}
    )

    (found,) = devices.check_owners(devices.streams(root), ["pipewire"])

    assert "firefox holds hw:0,0 (playback)" in found.detail
    assert devices.check_owners(devices.streams(root), []) == []
    (root / "proc/77/comm").write_text("pipewire\n")
    assert devices.check_owners(devices.streams(root), ["pipewire"]) == []
