"""Disk use of btrfs file systems, from /sys/fs/btrfs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from collectors.kernel_files import entries, read_attribute, read_number
from collectors.metrics import Family, LabelNames, LabelValues, gauge

_SECTOR = 512
_COPIES = {"single": 1, "raid0": 1, "dup": 2, "raid1": 2, "raid10": 2}
_PARITY = {"raid5": 1, "raid6": 2}
_LAYOUT = ("uuid", "block_group_type", "mode")

_FAMILIES: dict[str, tuple[str, LabelNames]] = {
    "node_btrfs_info": ("Filesystem information", ("uuid", "label")),
    "node_btrfs_global_rsv_size_bytes": ("Size of global reserve.", ("uuid",)),
    "node_btrfs_device_size_bytes": ("Size of a device that is part of the filesystem.", ("uuid", "device")),
    "node_btrfs_reserved_bytes": (
        "Amount of space reserved for a data type",
        ("uuid", "block_group_type"),
    ),
    "node_btrfs_used_bytes": ("Amount of used space by a layout/data type", _LAYOUT),
    "node_btrfs_size_bytes": ("Amount of space allocated for a layout/data type", _LAYOUT),
    "node_btrfs_allocation_ratio": ("Data allocation ratio for a layout/data type", _LAYOUT),
}


def ratio(mode: str, devices: int) -> float:
    """Return the bytes of disk that a byte takes in this layout on this number of devices; 0 for an unknown layout."""
    if mode in _PARITY:
        return devices / (devices - _PARITY[mode])
    return _COPIES.get(mode, 0)


def families(root: Path) -> list[Family]:
    """Return sizes and use of every file system, by kind of block and by layout."""
    found: dict[str, dict[LabelValues, float]] = {name: {} for name in _FAMILIES}
    directory = root / "sys/fs/btrfs"
    for uuid in filter(lambda name: "-" in name, entries(directory)):
        for name, labels, value in _file_system(directory / uuid):
            found[name][labels] = value
    return [gauge(name, help, found[name], labels) for name, (help, labels) in _FAMILIES.items()]


_Sample = tuple[str, LabelValues, float]


def _file_system(directory: Path) -> Iterator[_Sample]:
    uuid = read_attribute(directory / "metadata_uuid") or directory.name
    devices = sorted(path.name for path in (directory / "devices").iterdir())
    yield "node_btrfs_info", (uuid, (read_attribute(directory / "label") or "").strip()), 1
    yield "node_btrfs_global_rsv_size_bytes", (uuid,), read_number(directory / "allocation/global_rsv_size") or 0
    for device in devices:
        sectors = read_number(directory / "devices" / device / "size") or 0
        yield "node_btrfs_device_size_bytes", (uuid, device), sectors * _SECTOR
    for kind in ("data", "metadata", "system"):
        yield from _blocks(directory / "allocation" / kind, uuid, len(devices))


def _blocks(directory: Path, uuid: str, devices: int) -> Iterator[_Sample]:
    kind = directory.name
    yield "node_btrfs_reserved_bytes", (uuid, kind), read_number(directory / "bytes_reserved") or 0
    for layout in sorted(path for path in directory.iterdir() if path.is_dir()):
        labels = (uuid, kind, layout.name)
        yield "node_btrfs_used_bytes", labels, read_number(layout / "used_bytes") or 0
        yield "node_btrfs_size_bytes", labels, read_number(layout / "total_bytes") or 0
        yield "node_btrfs_allocation_ratio", labels, ratio(layout.name, devices)
