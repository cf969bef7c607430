"""Families of devices that /sys shows as directories of one-value files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from collectors.kernel_files import read_number
from collectors.metrics import Family, LabelNames, LabelValues, MetricType

Devices = Mapping[LabelValues, Path]
"""The directory of each device by the values of its labels."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """One file of a device, and the family of its values over all devices.

    Attributes:
        file: Its path below the device's directory.
        name: The family's name.
        help: The family's help.
        type: The family's type.
        per: The number of the file's units in one of the family's.
    """

    file: str
    name: str
    help: str
    type: MetricType = "gauge"
    per: float = 1


def attribute_families(devices: Devices, attributes: Sequence[Attribute], labels: LabelNames) -> list[Family]:
    """Return one family an attribute, of the devices that have it as a number."""
    if not devices:
        return []
    return [
        Family(attribute.name, attribute.type, attribute.help, labels, dict(_samples(devices, attribute)))
        for attribute in attributes
    ]


def _samples(devices: Devices, attribute: Attribute) -> Iterator[tuple[LabelValues, float]]:
    for values, directory in devices.items():
        number = read_number(directory / attribute.file)
        if number is not None:
            yield values, number / attribute.per
