"""Block devices: their activity, from /proc/diskstats, and their description, from udev."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from collectors.host.filters import Filter
from collectors.kernel_files import read_attribute, read_text
from collectors.metrics import Family, LabelValues, MetricType, gauge

_DEVICE = ("device",)
_SERIALS = ("SCSI_IDENT_SERIAL", "ID_SERIAL_SHORT", "ID_SERIAL")
"""The serial on the disk's label, then less exact ones. virtio disks have the last only."""

_SECTOR = 512
_MILLISECOND = 0.001

# In the order of /proc/diskstats (the kernel's iostats.rst): name, type, unit, help.
_COLUMNS: tuple[tuple[str, MetricType, float, str], ...] = (
    ("reads_completed_total", "counter", 1, "The total number of reads completed successfully."),
    ("reads_merged_total", "counter", 1, "The total number of reads merged."),
    ("read_bytes_total", "counter", _SECTOR, "The total number of bytes read successfully."),
    ("read_time_seconds_total", "counter", _MILLISECOND, "The total number of seconds spent by all reads."),
    ("writes_completed_total", "counter", 1, "The total number of writes completed successfully."),
    ("writes_merged_total", "counter", 1, "The number of writes merged."),
    ("written_bytes_total", "counter", _SECTOR, "The total number of bytes written successfully."),
    ("write_time_seconds_total", "counter", _MILLISECOND, "This is the total number of seconds spent by all writes."),
    ("io_now", "gauge", 1, "The number of I/Os currently in progress."),
    ("io_time_seconds_total", "counter", _MILLISECOND, "Total seconds spent doing I/Os."),
    ("io_time_weighted_seconds_total", "counter", _MILLISECOND, "The weighted # of seconds spent doing I/Os."),
    ("discards_completed_total", "counter", 1, "The total number of discards completed successfully."),
    ("discards_merged_total", "counter", 1, "The total number of discards merged."),
    ("discarded_sectors_total", "counter", 1, "The total number of sectors discarded successfully."),
    (
        "discard_time_seconds_total",
        "counter",
        _MILLISECOND,
        "This is the total number of seconds spent by all discards.",
    ),
    ("flush_requests_total", "counter", 1, "The total number of flush requests completed successfully"),
    (
        "flush_requests_time_seconds_total",
        "counter",
        _MILLISECOND,
        "This is the total number of seconds spent by all flush requests.",
    ),
)

_ATA = (
    ("ID_ATA_WRITE_CACHE", "node_disk_ata_write_cache", "ATA disk has a write cache."),
    ("ID_ATA_WRITE_CACHE_ENABLED", "node_disk_ata_write_cache_enabled", "ATA disk has its write cache enabled."),
    ("ID_ATA_ROTATION_RATE_RPM", "node_disk_ata_rotation_rate_rpm", "ATA disk rotation rate in RPMs (0 for SSDs)."),
)


@dataclass(frozen=True, slots=True)
class Disk:
    """One line of /proc/diskstats; older kernels have fewer counters."""

    major: str
    minor: str
    device: str
    counts: tuple[int, ...]


def parse(text: str) -> list[Disk]:
    """Parse the text of /proc/diskstats."""
    rows = (line.split() for line in text.splitlines())
    return [Disk(major, minor, device, tuple(map(int, counts))) for major, minor, device, *counts in rows]


def parse_udev(text: str) -> dict[str, str]:
    """Return the properties (`E:NAME=value` lines) in the text of one file of udev's database."""
    properties = (line.removeprefix("E:") for line in text.splitlines() if line.startswith("E:"))
    return {name: value for name, found, value in (line.partition("=") for line in properties) if found}


def families(root: Path, devices: Filter) -> list[Family]:
    """Return activity and description of the devices."""
    disks = [disk for disk in parse(read_text(f"{root}/proc/diskstats")) if devices.keeps(disk.device)]
    udev = {disk.device: _properties(root, disk) for disk in disks}
    return [*_activity(disks), _info(root, disks, udev), _file_systems(udev), _device_mappings(udev), *_ata(udev)]


def _properties(root: Path, disk: Disk) -> dict[str, str]:
    return parse_udev(read_attribute(f"{root}/run/udev/data/b{disk.major}:{disk.minor}") or "")


def _activity(disks: list[Disk]) -> list[Family]:
    return [
        Family(
            f"node_disk_{name}",
            type_,
            help,
            _DEVICE,
            {(disk.device,): disk.counts[column] * unit for disk in disks if column < len(disk.counts)},
        )
        for column, (name, type_, unit, help) in enumerate(_COLUMNS)
    ]


_Udev = dict[str, dict[str, str]]


def _values(properties: dict[str, str], *names: str) -> LabelValues:
    return tuple(properties.get(name, "") for name in names)


def _info(root: Path, disks: list[Disk], udev: _Udev) -> Family:
    return gauge(
        "node_disk_info",
        "Info of /sys/block/<block_device>.",
        {
            (disk.device, disk.major, disk.minor, *_description(udev[disk.device]), _rotational(root, disk.device)): 1
            for disk in disks
        },
        ("device", "major", "minor", "path", "wwn", "model", "serial", "revision", "rotational"),
    )


def _description(found: dict[str, str]) -> LabelValues:
    serial = next((found[name] for name in _SERIALS if found.get(name)), "")
    path, wwn, model, revision = _values(found, "ID_PATH", "ID_WWN", "ID_MODEL", "ID_REVISION")
    return path, wwn, model, serial, revision


def _rotational(root: Path, device: str) -> str:
    """Return 1 for a disk that rotates; 0 for all others, and for those that the kernel does not know.

    A slash in a device's name, such as `cciss/c0d0`, is an exclamation mark in /sys.
    """
    name = device.replace("/", "!")
    return "1" if read_attribute(f"{root}/sys/block/{name}/queue/rotational") == "1" else "0"


def _file_systems(udev: _Udev) -> Family:
    names = ("ID_FS_TYPE", "ID_FS_USAGE", "ID_FS_UUID", "ID_FS_VERSION")
    return gauge(
        "node_disk_filesystem_info",
        "Info about disk filesystem.",
        {(device, *_values(found, *names)): 1 for device, found in udev.items() if found.get("ID_FS_TYPE")},
        ("device", "type", "usage", "uuid", "version"),
    )


def _device_mappings(udev: _Udev) -> Family:
    names = ("DM_NAME", "DM_UUID", "DM_VG_NAME", "DM_LV_NAME", "DM_LV_LAYER")
    return gauge(
        "node_disk_device_mapper_info",
        "Info about disk device mapper.",
        {(device, *_values(found, *names)): 1 for device, found in udev.items() if found.get("DM_NAME")},
        ("device", "name", "uuid", "vg_name", "lv_name", "lv_layer"),
    )


def _ata(udev: _Udev) -> list[Family]:
    ata = {device: found for device, found in udev.items() if found.get("ID_ATA")}
    return [
        gauge(
            name,
            help,
            {(device,): int(found[key]) for device, found in ata.items() if found.get(key, "").isdecimal()},
            _DEVICE,
        )
        for key, name, help in _ATA
    ]
