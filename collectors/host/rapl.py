"""Energy of processors and memory (RAPL), from /sys/class/powercap."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

from collectors.kernel_files import read_attribute, read_number
from collectors.metrics import Family, LabelValues, counter

_PER_MICROJOULE = 1e6
_NOT_IN_A_NAME = re.compile(r"[^a-zA-Z0-9:_]")


def name_and_index(zone: str, used: int) -> tuple[str, int]:
    """Return kind and number of a zone such as `package-0`. A zone without a number takes the next unused one."""
    kind, _, number = zone.partition("-")
    return (kind, int(number)) if number.isdecimal() else (zone, used)


def families(root: Path) -> list[Family]:
    """Return one counter a kind of zone.

    Raises:
        FileNotFoundError: The machine counts no energy, or not for this user: since Linux 5.10 only root may read it.
    """
    joules: dict[str, dict[LabelValues, float]] = {}
    used: dict[str, int] = {}
    for zone in sorted((root / "sys/class/powercap").iterdir()):
        title = read_attribute(zone / "name")
        if title is not None:
            name, index = name_and_index(title, used.get(title, 0))
            used[name] = index + 1
            energy = read_number(zone / "energy_uj")
            if energy is not None:
                joules.setdefault(name, {})[str(index), str(zone)] = energy / _PER_MICROJOULE
    if not joules:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(root / "sys/class/powercap/*/energy_uj"))
    return [
        counter(
            f"node_rapl_{_NOT_IN_A_NAME.sub('_', name)}_joules_total",
            f"Current RAPL {name} value in joules",
            samples,
            ("index", "path"),
        )
        for name, samples in joules.items()
    ]
