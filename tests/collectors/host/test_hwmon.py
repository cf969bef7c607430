from __future__ import annotations

from pathlib import Path

import pytest

from collectors.host.hwmon import chip_name, families, unit
from tests.collectors.host.support import Tree, samples_of


@pytest.mark.parametrize(
    ("type_", "element", "suffix", "factor"),
    [
        ("temp", "input", "_celsius", 0.001),
        ("temp", "type", "", 1),
        ("temp", "crit_alarm", "_celsius", 0.001),
        ("temp", "alarm", "", 1),
        ("fan", "input", "_rpm", 1),
        ("fan", "pulses", "", 1),
        ("fan", "beep", "_enabled", 1),
        ("in", "max", "_volts", 0.001),
        ("curr", "input", "_amps", 0.001),
        ("power", "average", "_watt", 1e-6),
        ("power", "average_interval", "_seconds", 0.001),
        ("energy", "input", "_joule_total", 1e-6),
        ("humidity", "input", "", 1e-6),
        ("pwm", "enable", "", 1),
    ],
)
def test_units_are_prometheus_units(type_: str, element: str, suffix: str, factor: float) -> None:
    found = unit(type_, element)

    assert (found.suffix, found.factor) == (suffix, factor)


def test_a_chip_is_named_by_its_place_and_else_by_its_driver(tree: Tree) -> None:
    root = tree(
        {"sys/devices/platform/coretemp.0/hwmon/hwmon1/name": "coretemp\n", "sys/other/hwmon2/name": "acpitz\n"}
    )
    chip = root / "sys/devices/platform/coretemp.0/hwmon/hwmon1"
    (chip / "device").symlink_to("../../../coretemp.0")

    assert chip_name(chip) == "platform_coretemp_0"
    assert chip_name(root / "sys/other/hwmon2") == "acpitz"


def test_a_sensor_without_a_number_is_left_out(tree: Tree) -> None:
    chip = "sys/class/hwmon/hwmon0"
    root = tree({f"{chip}/name": "x", f"{chip}/temp1_input": "no number", f"{chip}/temp2_input": "1500"})

    assert samples_of(families(root), "node_hwmon_temp_celsius") == {("x", "temp2"): 1.5}


def test_an_input_beside_a_plain_value_is_another_family(tree: Tree) -> None:
    chip = "sys/class/hwmon/hwmon0"
    found = families(tree({f"{chip}/name": "x", f"{chip}/curr1": "1000", f"{chip}/curr1_input": "2000"}))

    assert samples_of(found, "node_hwmon_curr_amps") == {("x", "curr1"): 1}
    assert samples_of(found, "node_hwmon_curr_input_amps") == {("x", "curr1"): 2}


def test_a_machine_without_sensors_has_no_such_thing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        families(tmp_path)


def _chip(number: int, driver: str, temperature: int) -> dict[str, str | bytes]:
    directory = f"sys/class/hwmon/hwmon{number}"
    files: dict[str, str | bytes] = {f"{directory}/temp1_input": f"{temperature}\n"}
    return files | ({f"{directory}/name": f"{driver}\n"} if driver else {})


def _on_one_device(root: Path, *numbers: int) -> Path:
    device = root / "sys/devices/platform/soc/ieee80211/phy0"
    device.mkdir(parents=True)
    for number in numbers:
        (root / f"sys/class/hwmon/hwmon{number}/device").symlink_to(device)
    return device


def test_chips_of_one_device_are_told_apart_by_their_driver(tree: Tree) -> None:
    root = tree(_chip(0, "mt7996_phy0_0", 55000) | _chip(1, "mt7996_phy0_1", 61000))
    _on_one_device(root, 0, 1)
    found = families(root)

    assert samples_of(found, "node_hwmon_temp_celsius") == {
        ("ieee80211_phy0_mt7996_phy0_0", "temp1"): 55,
        ("ieee80211_phy0_mt7996_phy0_1", "temp1"): 61,
    }
    assert samples_of(found, "node_hwmon_chip_names") == {
        ("ieee80211_phy0_mt7996_phy0_0", "mt7996_phy0_0"): 1,
        ("ieee80211_phy0_mt7996_phy0_1", "mt7996_phy0_1"): 1,
    }


def test_chips_of_one_device_and_driver_are_told_apart_by_their_number(tree: Tree) -> None:
    root = tree(_chip(2, "asus", 40000) | _chip(10, "asus", 50000) | _chip(11, "", 60000))
    _on_one_device(root, 2, 10, 11)

    assert samples_of(families(root), "node_hwmon_temp_celsius") == {
        ("ieee80211_phy0_hwmon2", "temp1"): 40,
        ("ieee80211_phy0_hwmon10", "temp1"): 50,
        ("ieee80211_phy0_hwmon11", "temp1"): 60,
    }


def test_chips_without_a_device_and_with_one_driver_are_two(tree: Tree) -> None:
    found = families(tree(_chip(0, "nvme", 40000) | _chip(1, "nvme", 50000)))

    assert samples_of(found, "node_hwmon_temp_celsius") == {("nvme_hwmon0", "temp1"): 40, ("nvme_hwmon1", "temp1"): 50}


def test_a_chips_own_sensor_precedes_one_of_its_device(tree: Tree) -> None:
    root = tree(_chip(0, "a", 40000))
    device = _on_one_device(root, 0)
    (device / "temp1_input").write_text("90000\n")
    (device / "temp2_input").write_text("30000\n")

    assert samples_of(families(root), "node_hwmon_temp_celsius") == {
        ("ieee80211_phy0", "temp1"): 40,
        ("ieee80211_phy0", "temp2"): 30,
    }


def test_a_graphics_frequency_is_named_by_its_label(tree: Tree) -> None:
    directory = "sys/class/hwmon/hwmon0"
    root = tree(
        {
            f"{directory}/name": "amdgpu\n",
            f"{directory}/freq1_input": "1500000000\n",
            f"{directory}/freq1_label": "sclk\n",
            f"{directory}/freq2_input": "1\n",
        }
    )

    assert samples_of(families(root), "node_hwmon_freq_freq_mhz") == {("amdgpu", "sclk"): 1500}


def test_frequencies_with_one_label_keep_the_kernels_names(tree: Tree) -> None:
    directory = "sys/class/hwmon/hwmon0"
    root = tree(
        {
            f"{directory}/name": "amdgpu\n",
            f"{directory}/freq1_input": "1500000000\n",
            f"{directory}/freq1_label": "sclk\n",
            f"{directory}/freq2_input": "900000000\n",
            f"{directory}/freq2_label": "sclk\n",
        }
    )

    found = samples_of(families(root), "node_hwmon_freq_freq_mhz")
    assert found == {("amdgpu", "freq1"): 1500, ("amdgpu", "freq2"): 900}


def test_a_chip_whose_label_is_that_of_another_device_is_numbered(tree: Tree) -> None:
    """The chip with a suffix must not replace the chip of a device that has the whole label as its name."""
    root = tree({f"sys/class/hwmon/hwmon{number}/temp1_input": f"{number}000\n" for number in range(3)})
    for number, (device, driver) in enumerate((("asus/nb", "wmi"), ("asus/nb", "fan"), ("asus/nb_wmi", "other"))):
        (root / "sys/devices" / device).mkdir(parents=True, exist_ok=True)
        (root / f"sys/class/hwmon/hwmon{number}/device").symlink_to(root / "sys/devices" / device)
        (root / f"sys/class/hwmon/hwmon{number}/name").write_text(f"{driver}\n")

    assert samples_of(families(root), "node_hwmon_temp_celsius") == {
        ("asus_nb_hwmon0", "temp1"): 0,
        ("asus_nb_fan", "temp1"): 1,
        ("asus_nb_wmi", "temp1"): 2,
    }
