"""File systems: space and inodes of each mount, also where a dead one answers never."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

from collectors.host.config import HostConfig
from collectors.host.files import read_bytes
from collectors.host.patience import Patience
from collectors.metrics import Family, LabelValues, gauge

_ESCAPE = re.compile(r"\\([0-7]{3})")
_LABELS = ("device", "fstype", "mountpoint")

# A server that answers at all answers a good deal faster; a hundred mounts of a dead one must not add up.
_HANDOVER = 0.05
_DEADLINE = 0.4

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


Measured = Mapping[Mount, Space | Exception]
"""Each mount once, and its space, or why it did not say: HungError where it does not answer."""


@lru_cache(maxsize=1)  # the table hardly ever changes from one scrape to the next
def parse_mounts(table: bytes) -> tuple[Mount, ...]:
    """The mounts in the text of /proc/self/mounts, in the format of fstab(5).

    Raises:
        ValueError: A line has fewer than four fields.
    """
    return tuple(_mount(line) for line in os.fsdecode(table).split("\n") if line)


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


def space(path: str | Path) -> Space:
    """The space of the file system at `path`.

    May hang for as long as a network file system's server does not answer.

    Raises:
        OSError: It cannot be had.
    """
    found = os.statvfs(path)
    return Space(
        size=found.f_blocks * found.f_frsize,
        free=found.f_bfree * found.f_frsize,
        available=found.f_bavail * found.f_frsize,
        files=found.f_files,
        files_free=found.f_ffree,
    )


def linux_mounts(root: Path) -> Sequence[Mount]:
    """The machine's mounts; our own where the first process is hidden from us."""
    try:
        return parse_mounts(read_bytes(root / "proc/1/mounts"))
    except OSError:
        return parse_mounts(read_bytes(root / "proc/self/mounts"))


class FileSystems:
    """The file systems of this machine; remembers which of them hang.

    Args:
        mounts: Lists what is mounted.
        config: Which of it is measured.
        root: Where the mount points are.
    """

    def __init__(self, mounts: Callable[[], Sequence[Mount]], config: HostConfig, root: Path) -> None:
        self._mounts = mounts
        self._config = config
        self._root = root
        self._patience: Patience[Mount, Space] = Patience("statvfs", handover=_HANDOVER, deadline=_DEADLINE)

    def measured(self) -> Measured:
        """The space of each mount that the configuration wants, within the deadline."""
        kept = [mount for mount in self._mounts() if self._keeps(mount)]
        return self._patience.answers(
            {mount: partial(space, self._root / mount.path.removeprefix("/")) for mount in kept}
        )

    def families(self) -> list[Family]:
        """Space and inodes of each mount, and whether it said them."""
        return space_families(self.measured())

    def _keeps(self, mount: Mount) -> bool:
        return self._config.mount_points.keeps(mount.path) and self._config.file_system_types.keeps(mount.type)


def space_families(spaces: Measured) -> list[Family]:
    """Space and inodes of each mount, and whether it said them."""
    said = [(_labels(mount), mount, found) for mount, found in spaces.items() if isinstance(found, Space)]
    return [
        gauge(
            "node_filesystem_device_error",
            "Whether an error occurred while getting statistics for the given device.",
            {_labels(mount): int(not isinstance(found, Space)) for mount, found in spaces.items()},
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
