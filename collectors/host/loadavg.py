"""Load averages: from `os.getloadavg` on macOS, from /proc/loadavg (rounded, as all tools show them) on Linux."""

from __future__ import annotations

from pathlib import Path

from collectors.kernel_files import read_text
from collectors.metrics import Family, gauge

_MINUTES = (1, 5, 15)


def parse(text: str) -> tuple[float, ...]:
    """Return the averages over 1, 5 and 15 minutes of a text such as `0.21 0.37 0.39 1/719 19737`.

    Raises:
        ValueError: The text does not begin with three numbers.
    """
    averages = tuple(map(float, text.split()[: len(_MINUTES)]))
    if len(averages) < len(_MINUTES):
        raise ValueError(f"expected three load averages in /proc/loadavg, found {text!r}")
    return averages


def families(root: Path) -> list[Family]:
    """Return the three averages of Linux."""
    return average_families(parse(read_text(f"{root}/proc/loadavg")))


def average_families(averages: tuple[float, ...]) -> list[Family]:
    """Return the families of the three averages."""
    return [
        gauge(f"node_load{minutes}", f"{minutes}m load average.", average)
        for minutes, average in zip(_MINUTES, averages, strict=True)
    ]
