"""NVMe disks: description and state, from /sys/class/nvme."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from collectors.kernel_files import entries, read_attribute, read_number
from collectors.metrics import Family, LabelValues, gauge

_FILES = ("firmware_rev", "model", "serial", "state", "cntlid")
_NAMESPACE = re.compile(r"nvme\d+(?:c\d+)?n(\d+)")
_SECTOR = 512
_LABELS = ("device", "nsid")


@dataclass(frozen=True, slots=True)
class Namespace:
    """One namespace of a controller: its blocks, those in use, and the size of a block in bytes."""

    blocks: int
    used: int | None
    block_bytes: int


def families(root: Path) -> list[Family]:
    """Return the description of each controller, and the size and use of its namespaces.

    Raises:
        FileNotFoundError: The machine has no such disks.
    """
    disks = sorted((root / "sys/class/nvme").iterdir())
    paths: dict[LabelValues, Path] = {(disk.name, id_): path for disk in disks for id_, path in _namespaces(disk)}
    found = {labels: space for labels, path in paths.items() if (space := _read(path))}
    return [
        gauge(
            "node_nvme_info",
            "Non-numeric data from /sys/class/nvme/<device>, value is always 1.",
            {(disk.name, *((read_attribute(disk / file) or "").strip() for file in _FILES)): 1 for disk in disks},
            ("device", "firmware_revision", "model", "serial", "state", "cntlid"),
        ),
        gauge(
            "node_nvme_namespace_info",
            "Information about NVMe namespaces. Value is always 1",
            {(*labels, read_attribute(paths[labels] / "ana_state") or "unknown"): 1 for labels in found},
            (*_LABELS, "ana_state"),
        ),
        *_sizes(found),
    ]


def _namespaces(disk: Path) -> Iterator[tuple[str, Path]]:
    """Yield number and directory of each namespace. With multipath, `nvme0c1n1` is the path to it by controller 1."""
    for name in entries(disk):
        if found := _NAMESPACE.fullmatch(name):
            yield found[1], disk / name


def _read(namespace: Path) -> Namespace | None:
    """Read a namespace. /sys counts its size in sectors of 512 bytes, and its use in blocks."""
    sectors, block_bytes = read_number(namespace / "size"), read_number(namespace / "queue/logical_block_size")
    if sectors is None or not block_bytes:
        return None
    return Namespace(sectors * _SECTOR // block_bytes, read_number(namespace / "nuse"), block_bytes)


def _sizes(found: Mapping[LabelValues, Namespace]) -> list[Family]:
    whole: dict[LabelValues, float] = {labels: space.blocks * space.block_bytes for labels, space in found.items()}
    used: dict[LabelValues, float] = {
        labels: space.used * space.block_bytes for labels, space in found.items() if space.used is not None
    }
    block: dict[LabelValues, float] = {labels: space.block_bytes for labels, space in found.items()}
    values = {"capacity": whole, "size": whole, "used": used, "logical_block_size": block}
    return [gauge(f"node_nvme_namespace_{name}_bytes", help, values[name], _LABELS) for name, help in _SIZES]


_SIZES = (
    (
        "capacity",
        "Capacity of the NVMe namespace in bytes. Computed as namespace_size * namespace_logical_block_size",
    ),
    (
        "size",
        "Size of the NVMe namespace in bytes. Available in /sys/class/nvme/<device>/<namespace>/size",
    ),
    (
        "used",
        "Used space of the NVMe namespace in bytes. Available in /sys/class/nvme/<device>/<namespace>/nuse",
    ),
    (
        "logical_block_size",
        (
            "Logical block size of the NVMe namespace in bytes. Usually 4Kb. "
            "Available in /sys/class/nvme/<device>/<namespace>/queue/logical_block_size"
        ),
    ),
)
