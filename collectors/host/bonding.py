"""Bonded network interfaces, with the number of slaves and of working ones, from /sys/class/net."""

from __future__ import annotations

from pathlib import Path

from collectors.kernel_files import read_attribute, read_text
from collectors.metrics import Family, LabelValues, gauge


def families(root: Path) -> list[Family]:
    """Return the two gauges.

    Raises:
        FileNotFoundError: The kernel has no bonding.
    """
    directory = root / "sys/class/net"
    slaves: dict[LabelValues, float] = {}
    active: dict[LabelValues, float] = {}
    for master in read_text(directory / "bonding_masters").split():
        members = read_attribute(directory / master / "bonding/slaves")
        if members is not None:  # not removed since
            states = [_state(directory / master, slave) for slave in members.split()]
            slaves[master,], active[master,] = len(states), states.count("up")
    return [
        gauge("node_bonding_slaves", "Number of configured slaves per bonding interface.", slaves, ("master",)),
        gauge("node_bonding_active", "Number of active slaves per bonding interface.", active, ("master",)),
    ]


def _state(master: Path, slave: str) -> str | None:
    """Return the link's state. Kernels before 3.13 have another directory name."""
    return read_attribute(master / f"lower_{slave}/bonding_slave/mii_status") or read_attribute(
        master / f"slave_{slave}/bonding_slave/mii_status"
    )
