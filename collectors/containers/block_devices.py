"""The names of block devices; control groups account them by number only."""

from __future__ import annotations

from pathlib import Path

from collectors.kernel_files import read_attribute


class BlockDevices:
    """The block devices of the machine whose files are under `root`. Each is looked up once until `forget`."""

    def __init__(self, root: Path) -> None:
        self._directory = root / "sys/dev/block"
        self._names: dict[str, str] = {}

    def forget(self) -> None:
        """Look each device up again: the kernel gives the numbers of a removed device to another one."""
        self._names.clear()

    def name(self, numbers: str) -> str:
        """Return a device's name, such as `/dev/sda` for `8:0`; the numbers themselves if it is gone."""
        if numbers not in self._names:
            self._names[numbers] = self._look_up(numbers)
        return self._names[numbers]

    def _look_up(self, numbers: str) -> str:
        for line in (read_attribute(self._directory / numbers / "uevent") or "").splitlines():
            key, _, value = line.partition("=")
            if key == "DEVNAME":
                return f"/dev/{value}"
        return numbers
