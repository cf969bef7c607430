"""Sensors: temperatures, voltages, fans and power, from /sys/class/hwmon (Documentation/hwmon/sysfs-interface.rst)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from collectors.kernel_files import read_attribute
from collectors.metrics import Family, LabelNames, LabelValues, MetricType

_FILE = re.compile(
    r"(?P<sensor>(?P<type>vrm|beep_enable|update_interval|in|cpu|fan|pwm|temp|curr|power|energy|humidity|intrusion|freq)"
    r"(?P<number>\d*))(?:_(?P<element>.+))?"
)
_NOT_IN_A_NAME = re.compile(r"[^a-z0-9:_]")
_SENSOR = ("chip", "sensor")
_THOUSANDTH, _MILLIONTH = 0.001, 1e-6
_INTERVALS = frozenset({"average_interval", "average_interval_min", "average_interval_max"})
_IN_RPM = frozenset({"input", "min", "max", "target"})

_Sensors = dict[tuple[str, str], dict[str, str]]
"""The elements of each sensor (`input`, `max`, …; "" is the file without one), by the sensor's type and name."""


@dataclass(frozen=True, slots=True)
class Unit:
    """The family of one element of a sensor: the suffix of its name, its help, and the unit of the file."""

    suffix: str
    help: str
    factor: float = 1.0
    type: MetricType = "gauge"


def unit(type_: str, element: str) -> Unit:  # noqa: PLR0911 - one line a kind of sensor, as the kernel documents them
    """Return the family that node_exporter has for this element of a sensor of this type."""
    if element in {"fault", "alarm"}:
        return Unit("", f"Hardware sensor {element} status ({type_})")
    if element == "beep":
        return Unit("_enabled", "Hardware monitor sensor has beeping enabled")
    if type_ in {"in", "cpu"}:
        return Unit("_volts", f"Hardware monitor for voltage ({element})", _THOUSANDTH)
    if type_ == "temp" and element != "type":
        return Unit("_celsius", f"Hardware monitor for temperature ({element or 'input'})", _THOUSANDTH)
    if type_ == "curr":
        return Unit("_amps", f"Hardware monitor for current ({element})", _THOUSANDTH)
    if type_ == "energy":
        return Unit("_joule_total", f"Hardware monitor for joules used so far ({element})", _MILLIONTH, "counter")
    if type_ == "power":
        return _power(element)
    if type_ == "humidity":
        help = (
            "Hardware monitor for humidity, as a ratio (multiply with 100.0 to get the humidity as a percentage)"
            f" ({element})"
        )
        return Unit("", help, _MILLIONTH)
    if type_ == "fan" and element in _IN_RPM:
        return Unit("_rpm", f"Hardware monitor for fan revolutions per minute ({element})")
    return Unit("", f"Hardware monitor {type_} element {element}")


def _power(element: str) -> Unit:
    if element == "accuracy":
        return Unit("", "Hardware monitor power meter accuracy, as a ratio", _MILLIONTH)
    if element in _INTERVALS:
        return Unit("_seconds", f"Hardware monitor power usage update interval ({element})", _THOUSANDTH)
    return Unit("_watt", f"Hardware monitor for power usage in watts ({element})", _MILLIONTH)


_WHOLE = {
    "beep_enable": ("node_hwmon_beep_enabled", "Hardware beep enabled", 1.0),
    "vrm": ("node_hwmon_voltage_regulator_version", "Hardware voltage regulator", 1.0),
    "update_interval": ("node_hwmon_update_interval_seconds", "Hardware monitor update interval", _THOUSANDTH),
}
"""Sensor types that are one file of a chip, with name, help and unit."""


def families(root: Path) -> list[Family]:
    """Return every sensor of every chip.

    Raises:
        FileNotFoundError: The machine has no sensors.
    """
    found: dict[tuple[str, MetricType, str, LabelNames], dict[LabelValues, float]] = {}
    for label, chip in chips(root / "sys/class/hwmon").items():
        for name, type_, help, labels, values, value in _chip(label, chip):
            found.setdefault((name, type_, help, labels), {})[values] = value
    return [Family(*head, samples) for head, samples in found.items()]


def chips(directory: Path) -> dict[str, Path]:
    """Return the chips by their label, which is unique: several chips of one device get a suffix.

    The suffix is the driver's name if that tells the chips apart, else hwmonN, as in node_exporter. hwmonN is used too
    if the label with the driver's name is that of another device.

    Raises:
        FileNotFoundError: The machine has no sensors.
    """
    named = [(chip_name(chip), clean(read_attribute(chip / "name") or ""), chip) for chip in _entries_of(directory)]
    labels = Counter(name for name, _, _ in named)
    drivers = Counter((name, driver) for name, driver, _ in named)
    found = {}
    for name, driver, chip in named:
        label = name if labels[name] == 1 else f"{name}_{driver}"
        is_unique = labels[name] == 1 or (driver and drivers[name, driver] == 1 and label not in labels)
        found[label if is_unique else f"{name}_{clean(chip.name)}"] = chip
    return found


def _entries_of(directory: Path) -> list[Path]:
    return sorted((chip for chip in directory.iterdir() if chip.is_dir()), key=_number_of)


def _number_of(chip: Path) -> tuple[int, str]:
    number = chip.name.removeprefix("hwmon")
    return (int(number) if number.isdecimal() else 0, chip.name)


_Sample = tuple[str, MetricType, str, LabelNames, LabelValues, float]


def _chip(name: str, chip: Path) -> Iterator[_Sample]:
    readable = clean(read_attribute(chip / "name") or "")
    if readable:
        help = "Annotation metric for human-readable chip names"
        yield "node_hwmon_chip_names", "gauge", help, ("chip", "chip_name"), (name, readable), 1
    sensors = _sensors(chip)
    shared = Counter(clean(elements.get("label", "")) for (type_, _), elements in sensors.items() if type_ == "freq")
    for (type_, sensor), elements in sensors.items():
        yield from _sensor(name, type_, sensor, elements, shared)


def _sensor(
    chip: str, type_: str, sensor: str, elements: dict[str, str], shared: Mapping[str, int]
) -> Iterator[_Sample]:
    label = elements.pop("label", None)
    if label is not None:
        labels = (*_SENSOR, "label")
        yield "node_hwmon_sensor_label", "gauge", "Label for given chip and sensor", labels, (chip, sensor, label), 1
    for element, text in elements.items():
        value = _number(text)
        if value is None:
            continue
        if type_ == "freq" and element == "input":
            yield from _frequency(chip, sensor, label, value, shared)
        elif type_ in _WHOLE:
            name, help, factor = _WHOLE[type_]
            yield name, "gauge", help, _SENSOR, (chip, sensor), value * factor
        else:
            found = unit(type_, element)
            name = f"node_hwmon_{type_}{_infix(element, elements)}{found.suffix}"
            yield name, found.type, found.help, _SENSOR, (chip, sensor), value * found.factor


def _frequency(chip: str, sensor: str, label: str | None, value: float, shared: Mapping[str, int]) -> Iterator[_Sample]:
    """Yield the frequency of a graphics processor. node_exporter names the sensor by its label, and needs one.

    Of several sensors with one label, each keeps the kernel's name.
    """
    if label is not None:
        name, help = "node_hwmon_freq_freq_mhz", "Hardware monitor for GPU frequency in MHz"
        cleaned = clean(label)
        named = cleaned if cleaned and shared[cleaned] == 1 else sensor
        yield name, "gauge", help, _SENSOR, (chip, named), value * _MILLIONTH


def _infix(element: str, elements: dict[str, str]) -> str:
    """Return the element's part of the family's name. An input has one only next to a file without element."""
    if element == "input":
        return "_input" if "" in elements else ""
    return f"_{clean(element)}" if element else ""


def _sensors(chip: Path) -> _Sensors:
    found: _Sensors = {}
    for directory in (chip, chip / "device"):
        for path in _entries(directory):
            parts = _FILE.fullmatch(path.name)
            value = read_attribute(path) if parts else None
            if parts and value is not None:
                sensor = f"{parts['type']}{int(parts['number'] or 0)}"
                # The chip's own file precedes one of its device, which other chips may share.
                found.setdefault((parts["type"], sensor), {}).setdefault(parts["element"] or "", value)
    return found


def _entries(directory: Path) -> list[Path]:
    return sorted(directory.iterdir()) if directory.is_dir() else []


def chip_name(chip: Path) -> str:
    """Return a name that does not depend on the order of drivers: bus and device, else the driver, else hwmonN."""
    device = chip / "device"
    if device.exists():
        real = device.resolve()
        named = "_".join(filter(None, (clean(real.parent.name), clean(real.name))))
        if named:
            return named
    return clean(read_attribute(chip / "name") or "") or clean(chip.resolve().name)


def clean(text: str) -> str:
    """Return a text as a part of a metric's name."""
    return _NOT_IN_A_NAME.sub("_", text.lower()).strip("_")


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
