"""Batteries and mains, from /sys/class/power_supply (Documentation/ABI/testing/sysfs-class-power)."""

from __future__ import annotations

from pathlib import Path

from collectors.host.attributes import Attribute, Devices, attribute_families
from collectors.kernel_files import read_attribute
from collectors.metrics import Family, gauge

_MICRO, _TENTH = 1e6, 10.0

_AS_THEY_ARE = (
    *((name, name) for name in ("authentic", "calibrate", "capacity", "capacity_alert_max", "capacity_alert_min")),
    ("cycle_count", "cyclecount"),
    ("online", "online"),
    ("present", "present"),
    ("time_to_empty_now", "time_to_empty_seconds"),
    ("time_to_full_now", "time_to_full_seconds"),
)
_IN_MILLIONTHS = (
    ("charge_now", "charge_ampere"),
    ("current_now", "current_ampere"),
    ("energy_now", "energy_watthour"),
    ("power_now", "power_watt"),
    ("voltage_now", "voltage_volt"),
    *(
        (name, name)
        for name in (
            "charge_control_limit",
            "charge_control_limit_max",
            "charge_counter",
            "charge_empty",
            "charge_empty_design",
            "charge_full",
            "charge_full_design",
            "charge_term_current",
            "constant_charge_current",
            "constant_charge_current_max",
            "constant_charge_voltage",
            "constant_charge_voltage_max",
            "current_boot",
            "current_max",
            "energy_empty",
            "energy_empty_design",
            "energy_full",
            "energy_full_design",
            "input_current_limit",
            "precharge_current",
            "voltage_boot",
            "voltage_max",
            "voltage_max_design",
            "voltage_min",
            "voltage_min_design",
            "voltage_ocv",
        )
    ),
)
_IN_TENTHS = tuple(
    (name, f"{name}_celsius")
    for name in (
        "temp",
        "temp_alert_max",
        "temp_alert_min",
        "temp_ambient",
        "temp_ambient_max",
        "temp_ambient_min",
        "temp_max",
        "temp_min",
    )
)
_ATTRIBUTES = tuple(
    Attribute(file, f"node_power_supply_{name}", f"{name} value of /sys/class/power_supply/<power_supply>.", per=per)
    for names, per in ((_AS_THEY_ARE, 1), (_IN_MILLIONTHS, _MICRO), (_IN_TENTHS, _TENTH))
    for file, name in names
)
_TEXTS = (
    "capacity_level",
    "charge_type",
    "health",
    "manufacturer",
    "model_name",
    "scope",
    "serial_number",
    "status",
    "technology",
    "type",
    "usb_type",
)


def families(root: Path) -> list[Family]:
    """Return the numbers of every supply, and a description with a label for each text that it has."""
    supplies: Devices = {(path.name,): path for path in sorted((root / "sys/class/power_supply").iterdir())}
    return [
        *attribute_families(supplies, _ATTRIBUTES, ("power_supply",)),
        *(_info(path) for path in supplies.values()),
    ]


def _info(path: Path) -> Family:
    found = {name: (read_attribute(path / name) or "").strip() for name in _TEXTS}
    texts = {"power_supply": path.name} | {name: text for name, text in found.items() if text}
    return gauge(
        "node_power_supply_info",
        "info of /sys/class/power_supply/<power_supply>.",
        {tuple(texts.values()): 1},
        tuple(texts),
    )
