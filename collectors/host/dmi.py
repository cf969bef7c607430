"""The firmware's description of the machine, from /sys/class/dmi/id."""

from __future__ import annotations

from pathlib import Path

from collectors.kernel_files import read_attributes
from collectors.metrics import Family, gauge

_FIELDS = (
    "bios_date",
    "bios_release",
    "bios_vendor",
    "bios_version",
    "board_asset_tag",
    "board_name",
    "board_serial",
    "board_vendor",
    "board_version",
    "chassis_asset_tag",
    "chassis_serial",
    "chassis_vendor",
    "chassis_version",
    "product_family",
    "product_name",
    "product_serial",
    "product_sku",
    "product_uuid",
    "product_version",
)
_HELP = (
    "A metric with a constant '1' value labeled by bios_date, bios_release, bios_vendor, bios_version, "
    "board_asset_tag, board_name, board_serial, board_vendor, board_version, chassis_asset_tag, "
    "chassis_serial, chassis_vendor, chassis_version, product_family, product_name, product_serial, "
    "product_sku, product_uuid, product_version, system_vendor if provided by DMI."
)


class Dmi:
    """The machine's description, read once: it cannot change while the machine runs."""

    def __init__(self, root: Path) -> None:
        self._directory = root / "sys/class/dmi/id"
        self._families: list[Family] = []

    def families(self) -> list[Family]:
        """Return one sample with a label for each field that the firmware has and this user may read.

        Raises:
            FileNotFoundError: The machine has no such firmware.
        """
        if not self._families:
            self._families = [_info(self._directory)]
        return self._families


def _info(directory: Path) -> Family:
    files = {label: label for label in _FIELDS} | {"system_vendor": "sys_vendor"}
    found = read_attributes(directory, files.values())
    fields = {label: found[file].strip() for label, file in files.items() if file in found}
    if not fields:
        raise FileNotFoundError(directory)
    return gauge("node_dmi_info", _HELP, {tuple(fields.values()): 1}, tuple(fields))
