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
