"""File systems: space and inodes of each mount."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from collectors.host.files import read_bytes
from collectors.metrics import Family, LabelValues, gauge

EXCLUDED_MOUNT_POINTS = r"^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)"
EXCLUDED_TYPES = (
    r"^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|iso9660|mqueue|nsfs|overlay"
    r"|proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|sysfs|tracefs)$"
)

_EXCLUDED_MOUNT_POINT = re.compile(EXCLUDED_MOUNT_POINTS)
_EXCLUDED_TYPE = re.compile(EXCLUDED_TYPES)
_ESCAPE = re.compile(r"\\([0-7]{3})")
_LABELS = ("device", "fstype", "mountpoint")
_FIELDS = (
    ("size", "node_filesystem_size_bytes", "Filesystem size in bytes."),
    ("free", "node_filesystem_free_bytes", "Filesystem free space in bytes."),
    ("available", "node_filesystem_avail_bytes", "Filesystem space available to non-root users in bytes."),
    ("files", "node_filesystem_files", "Filesystem total file nodes."),
    ("files_free", "node_filesystem_files_free", "Filesystem total free file nodes."),
)


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of the mount table; bytes that are not UTF-8 are surrogates, as `os.fsdecode` makes them."""

    device: str
    path: str
    type: str
    read_only: bool


@dataclass(frozen=True, slots=True)
class Space:
    """Bytes and inodes of one file system; `available` is what is left to users other than root."""

    size: int
    free: int
    available: int
    files: int
    files_free: int


Measured = Mapping[Mount, Space | None]
"""Each mount once, and its space, or None where it did not say."""


def parse_mounts(table: bytes) -> list[Mount]:
    """The mounts in the text of /proc/self/mounts, in the format of fstab(5).

    Raises:
        ValueError: A line has fewer than four fields.
    """
    return [_mount(line) for line in os.fsdecode(table).split("\n") if line]


def _mount(line: str) -> Mount:
    try:
        device, path, type_, options, *_ = line.split(" ")
    except ValueError as error:
        raise ValueError(
            f"expected device, mount point, type and options in the mount table, found {line!r}"
        ) from error
    return Mount(device, _unescaped(path), type_, "ro" in options.split(","))


def _unescaped(field: str) -> str:
    return _ESCAPE.sub(lambda escape: chr(int(escape[1], 8)), field)


def is_excluded(mount: Mount) -> bool:
    """Whether node_exporter on Linux leaves it out: no storage, or another program's business."""
    return bool(_EXCLUDED_MOUNT_POINT.search(mount.path) or _EXCLUDED_TYPE.search(mount.type))


def space(path: str | Path) -> Space | None:
    """The space of the file system at `path`, or None where it cannot be had.

    May hang for as long as a network file system's server does not answer.
    """
    try:
        found = os.statvfs(path)
    except OSError:
        return None
    return Space(
        size=found.f_blocks * found.f_frsize,
        free=found.f_bfree * found.f_frsize,
        available=found.f_bavail * found.f_frsize,
        files=found.f_files,
        files_free=found.f_ffree,
    )


def measured(root: Path) -> Measured:
    """The file systems of Linux, without those that node_exporter leaves out."""
    mounts = [mount for mount in parse_mounts(_mount_table(root)) if not is_excluded(mount)]
    return {mount: space(root / mount.path.removeprefix("/")) for mount in mounts}


def _mount_table(root: Path) -> bytes:
    """The machine's mounts; our own where the first process is hidden from us."""
    try:
        return read_bytes(root / "proc/1/mounts")
    except OSError:
        return read_bytes(root / "proc/self/mounts")


def families(root: Path) -> list[Family]:
    """The file systems of Linux."""
    return space_families(measured(root))


def space_families(spaces: Measured) -> list[Family]:
    """Space and inodes of each mount, and whether it said them."""
    said = [(_labels(mount), mount, found) for mount, found in spaces.items() if found is not None]
    return [
        gauge(
            "node_filesystem_device_error",
            "Whether an error occurred while getting statistics for the given device.",
            {_labels(mount): int(found is None) for mount, found in spaces.items()},
            _LABELS,
        ),
        gauge(
            "node_filesystem_readonly",
            "Filesystem read-only status.",
            {labels: int(mount.read_only) for labels, mount, _ in said},
            _LABELS,
        ),
        *(
            gauge(name, help, {labels: getattr(found, field) for labels, _, found in said}, _LABELS)
            for field, name, help in _FIELDS
        ),
    ]


def _labels(mount: Mount) -> LabelValues:
    return printable(mount.device), mount.type, printable(mount.path)


def printable(name: str) -> str:
    """A file name as valid Unicode: bytes that are not UTF-8 become U+FFFD."""
    return os.fsencode(name).decode(errors="replace")
