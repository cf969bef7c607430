"""Thermal zones and cooling devices, from /sys/class/thermal."""

from __future__ import annotations

from pathlib import Path

from collectors.host.attributes import Attribute, Devices, attribute_families
from collectors.kernel_files import numbered, read_attribute
from collectors.metrics import Family

_ZONE = (Attribute("temp", "node_thermal_zone_temp", "Zone temperature in Celsius", per=1000),)
_COOLING = (
    Attribute("cur_state", "node_cooling_device_cur_state", "Current throttle state of the cooling device"),
    Attribute("max_state", "node_cooling_device_max_state", "Maximum throttle state of the cooling device"),
)


def families(root: Path) -> list[Family]:
    """Return the temperature of each zone, and the state of each cooling device."""
    directory = root / "sys/class/thermal"
    return [
        *attribute_families(_typed(directory, "thermal_zone"), _ZONE, ("zone", "type")),
        *attribute_families(_typed(directory, "cooling_device"), _COOLING, ("name", "type")),
    ]


def _typed(directory: Path, prefix: str) -> Devices:
    return {
        (number, read_attribute(device / "type") or ""): device
        for number, device in numbered(directory, prefix).items()
    }
