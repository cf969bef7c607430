from pathlib import Path

import pytest

from agent.doctor.machine import power
from tests.agent.doctor.support import STRANGER, Machine, codes

IDLE = "sys/devices/system/cpu/cpu0/cpuidle"
USB = "sys/bus/usb/devices"


def states(*states: tuple[int, int]) -> dict[str, str]:
    return {
        f"{IDLE}/state{number}/{name}": f"{value}\n"
        for number, (latency, disabled) in enumerate(states)
        for name, value in (("latency", latency), ("disable", disabled))
    }


def test_the_deepest_usable_state_counts(machine: Machine) -> None:
    assert power.wake_up_latency(machine(states((2, 0), (133, 0), (890, 1)))) == 133


def test_without_idle_states_nothing_is_known(tmp_path: Path) -> None:
    assert power.wake_up_latency(tmp_path) == 0


@pytest.mark.parametrize(
    ("latency", "mode", "expected"),
    [(890, 0o600, ["power-idle-deep"]), (890, 0o666, []), (133, 0o600, [])],
)
def test_deep_sleep_matters_where_programs_cannot_forbid_it(
    open_folder: Path, latency: int, mode: int, expected: list[str]
) -> None:
    device = open_folder / "cpu_dma_latency"
    device.write_text("")
    device.chmod(mode)

    assert codes(power.idle(latency, device, STRANGER)) == expected


def test_usb_audio_that_may_sleep_is_named(machine: Machine) -> None:
    root = machine(
        {
            f"{USB}/1-2/product": "Scarlett 2i2\n",
            f"{USB}/1-2/power/control": "auto\n",
            f"{USB}/1-2:1.0/bInterfaceClass": "01\n",
            f"{USB}/1-2:1.1/bInterfaceClass": "01\n",
            f"{USB}/1-3/power/control": "auto\n",
            f"{USB}/1-3:1.0/bInterfaceClass": "03\n",
        }
    )

    (found,) = power.devices(root)

    assert (found.code, "Scarlett 2i2" in found.detail) == ("power-usb-audio-sleeps", True)
    (root / f"{USB}/1-2/power/control").write_text("on\n")
    assert codes(power.devices(root)) == []


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"sys/module/snd_hda_intel/parameters/power_save": "10\n"}, ["power-onboard-audio-sleeps"]),
        ({"sys/module/snd_hda_intel/parameters/power_save": "0\n"}, []),
        (
            {"sys/module/pcie_aspm/parameters/policy": "default performance [powersave] powersupersave\n"},
            ["power-pci-saves"],
        ),
        ({"sys/module/pcie_aspm/parameters/policy": "[default] performance powersave powersupersave\n"}, []),
        (
            {
                "sys/class/power_supply/AC/type": "Mains\n",
                "sys/class/power_supply/AC/online": "0\n",
                "sys/class/power_supply/BAT0/type": "Battery\n",
            },
            ["power-on-battery"],
        ),
        ({"sys/class/power_supply/AC/type": "Mains\n", "sys/class/power_supply/AC/online": "1\n"}, []),
    ],
)
def test_each_way_of_saving_power(machine: Machine, files: dict[str, str], expected: list[str]) -> None:
    assert codes(power.devices(machine(files))) == expected


def _supply(name: str, **files: str) -> dict[str, str]:
    return {f"sys/class/power_supply/{name}/{file}": f"{text}\n" for file, text in files.items()}


@pytest.mark.parametrize("online", ["1", "2"])
def test_a_charger_by_usb_c_is_mains(machine: Machine, online: str) -> None:
    supplies = _supply("AC", type="Mains", online="0") | _supply("ucsi-1", type="USB", online=online)

    assert codes(power.devices(machine(supplies))) == []


def test_a_laptop_without_a_charger_is_on_battery(machine: Machine) -> None:
    supplies = (
        _supply("BAT0", type="Battery", present="1")
        | _supply("ucsi-1", type="USB", online="0")
        | _supply("mouse", type="USB", scope="Device", online="1")
    )

    assert codes(power.devices(machine(supplies))) == ["power-on-battery"]


def test_the_supply_of_a_mouse_says_nothing_about_the_machine(machine: Machine) -> None:
    assert codes(power.devices(machine(_supply("mouse", type="USB", scope="Device", online="0")))) == []


def test_the_slowest_wake_up_may_be_that_of_another_kind_of_core(machine: Machine) -> None:
    files = {
        "sys/devices/system/cpu/cpu0/cpuidle/state1/latency": "10\n",
        "sys/devices/system/cpu/cpu9/cpuidle/state1/latency": "310\n",
    }

    assert power.wake_up_latency(machine(files)) == 310


def test_a_desktop_with_an_empty_usb_c_port_is_not_on_battery(machine: Machine) -> None:
    """Its ports are supplies, and so may be the battery of a headset."""
    supplies = _supply("ucsi-source-psy-1", type="USB", online="0") | _supply("headset", type="Battery", scope="Device")

    assert codes(power.devices(machine(supplies))) == []


def test_a_laptop_whose_battery_was_taken_out_is_not_on_battery(machine: Machine) -> None:
    supplies = _supply("BAT0", type="Battery", present="0") | _supply("ucsi-1", type="USB", online="0")

    assert codes(power.devices(machine(supplies))) == []
