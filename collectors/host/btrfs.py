"""Disk use of btrfs file systems, from /sys/fs/btrfs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from collectors.kernel_files import entries, read_attribute, read_number
from collectors.metrics import Family, LabelNames, LabelValues, MetricType

_SECTOR = 512
_COPIES = {"single": 1, "raid0": 1, "dup": 2, "raid1": 2, "raid10": 2, "raid1c3": 3, "raid1c4": 4}
_PARITY = {"raid5": 1, "raid6": 2}
_LAYOUT = ("uuid", "block_group_type", "mode")

_KINDS = ("data", "metadata", "mixed", "system")
"""`mixed` holds data and metadata on small file systems."""

_NAME_AND_VALUE = 2
_COMMITS = {
    "commits": ("node_btrfs_commits_total", 1),
    "last_commit_ms": ("node_btrfs_last_commit_seconds", 1000),
    "max_commit_ms": ("node_btrfs_max_commit_seconds", 1000),
    "total_commit_ms": ("node_btrfs_commit_seconds_total", 1000),
}
_FAMILIES: dict[str, tuple[MetricType, str, LabelNames]] = {
    "node_btrfs_info": ("gauge", "Filesystem information", ("uuid", "label")),
    "node_btrfs_global_rsv_size_bytes": ("gauge", "Size of global reserve.", ("uuid",)),
    "node_btrfs_device_size_bytes": (
        "gauge",
        "Size of a device that is part of the filesystem.",
        ("uuid", "device"),
    ),
    "node_btrfs_reserved_bytes": ("gauge", "Amount of space reserved for a data type", ("uuid", "block_group_type")),
    "node_btrfs_used_bytes": ("gauge", "Amount of used space by a layout/data type", _LAYOUT),
    "node_btrfs_size_bytes": ("gauge", "Amount of space allocated for a layout/data type", _LAYOUT),
    "node_btrfs_allocation_ratio": ("gauge", "Data allocation ratio for a layout/data type", _LAYOUT),
    "node_btrfs_commits_total": ("counter", "The total number of commits that have occurred.", ("uuid",)),
    "node_btrfs_last_commit_seconds": ("gauge", "Duration of the most recent commit, in seconds.", ("uuid",)),
    "node_btrfs_max_commit_seconds": ("gauge", "Duration of the slowest commit, in seconds.", ("uuid",)),
    "node_btrfs_commit_seconds_total": ("counter", "Sum of the duration of all commits, in seconds.", ("uuid",)),
}


def ratio(mode: str, devices: int) -> float | None:
    """Return the bytes of disk that a byte takes in this layout on this number of devices; None if unknown."""
    if mode in _PARITY:
        data = devices - _PARITY[mode]
        return devices / data if data > 0 else None
    return _COPIES.get(mode)


def families(root: Path) -> list[Family]:
    """Return sizes and use of every file system, by kind of block and by layout."""
    found: dict[str, dict[LabelValues, float]] = {name: {} for name in _FAMILIES}
    for uuid, directory in _file_systems(root / "sys/fs/btrfs").items():
        for name, labels, value in _file_system(uuid, directory):
            if value is not None:
                found[name][labels] = value
    return [Family(name, type_, help, labels, found[name]) for name, (type_, help, labels) in _FAMILIES.items()]


def _file_systems(directory: Path) -> dict[str, Path]:
    """Return the file systems by identifier: that of the metadata, as in node_exporter.

    A copy shares it, such as one made by `btrfstune -m`, or a clone mounted next to its original. It gets its own.
    """
    own = {name: directory / name for name in entries(directory) if "-" in name}
    of_metadata = {name: read_attribute(path / "metadata_uuid") or name for name, path in own.items()}
    shared = Counter(of_metadata.values())
    return {of_metadata[name] if shared[of_metadata[name]] == 1 else name: path for name, path in own.items()}


_Sample = tuple[str, LabelValues, float | None]
"""A family, labels, and a value; None for a file that the kernel lacks or this user may not read."""


def _file_system(uuid: str, directory: Path) -> Iterator[_Sample]:
    devices = entries(directory / "devices")
    yield "node_btrfs_info", (uuid, (read_attribute(directory / "label") or "").strip()), 1
    yield "node_btrfs_global_rsv_size_bytes", (uuid,), read_number(directory / "allocation/global_rsv_size")
    for device in devices:
        sectors = read_number(directory / "devices" / device / "size")
        yield "node_btrfs_device_size_bytes", (uuid, device), None if sectors is None else sectors * _SECTOR
    for kind in _KINDS:
        if (directory / "allocation" / kind).is_dir():
            yield from _blocks(directory / "allocation" / kind, uuid, len(devices))
    yield from _commits(uuid, read_attribute(directory / "commit_stats") or "")


def _blocks(directory: Path, uuid: str, devices: int) -> Iterator[_Sample]:
    kind = directory.name
    yield "node_btrfs_reserved_bytes", (uuid, kind), read_number(directory / "bytes_reserved")
    for layout in sorted(path for path in directory.iterdir() if path.is_dir()):
        labels = (uuid, kind, layout.name)
        yield "node_btrfs_used_bytes", labels, read_number(layout / "used_bytes")
        yield "node_btrfs_size_bytes", labels, read_number(layout / "total_bytes")
        yield "node_btrfs_allocation_ratio", labels, ratio(layout.name, devices)


def _commits(uuid: str, text: str) -> Iterator[_Sample]:
    """Yield the commits from lines such as `max_commit_ms 15`, which kernels have since 6.1."""
    numbers = dict(line.split() for line in text.splitlines() if len(line.split()) == _NAME_AND_VALUE)
    for file, (name, per) in _COMMITS.items():
        if numbers.get(file, "").isdecimal():
            yield name, (uuid,), int(numbers[file]) / per
