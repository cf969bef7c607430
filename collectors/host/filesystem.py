"""Space and inodes of each mount. A mount that hangs does not delay the others."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from collectors.host.bounded_calls import BoundedCalls, HungError
from collectors.host.config import HostConfig
from collectors.metrics import Family, LabelValues, gauge
from collectors.mounts import Mount, Space, printable, space, visible

_LABELS = ("device", "fstype", "mountpoint")
_LABELS_WITH_ERROR = (*_LABELS, "device_error")

# A working server answers much faster. The mounts of a dead one must not add up.
_HANDOVER = 0.05
_DEADLINE = 0.4

_FIELDS = (
    ("size", "node_filesystem_size_bytes", "Filesystem size in bytes."),
    ("free", "node_filesystem_free_bytes", "Filesystem free space in bytes."),
    ("available", "node_filesystem_avail_bytes", "Filesystem space available to non-root users in bytes."),
    ("files", "node_filesystem_files", "Filesystem total file nodes."),
    ("files_free", "node_filesystem_files_free", "Filesystem total free file nodes."),
)


Measured = Mapping[Mount, Space | Exception]
"""The space of each mount, or its error: HungError if it does not answer."""


class FileSystems:
    """The file systems of this machine. It remembers those that hang.

    Args:
        mounts: Lists the mounts.
        config: Selects those that are measured.
        root: Where the mount points are.
    """

    def __init__(self, mounts: Callable[[], Sequence[Mount]], config: HostConfig, root: Path) -> None:
        self._mounts = mounts
        self._config = config
        self._prefix = str(root).rstrip("/")
        self._calls: BoundedCalls[Mount, Space] = BoundedCalls("statvfs", handover=_HANDOVER, deadline=_DEADLINE)

    def measured(self) -> Measured:
        """Return the space of each configured mount, within the deadline."""
        kept = [mount for mount in visible(self._mounts()) if self._keeps(mount)]
        return self._calls.answers({mount: partial(space, self._prefix + mount.path) for mount in kept})

    def families(self) -> list[Family]:
        """Return space and inodes of each mount, and whether reading them failed."""
        return space_families(self.measured())

    def _keeps(self, mount: Mount) -> bool:
        return self._config.mount_points.keeps(mount.path) and self._config.file_system_types.keeps(mount.type)


def space_families(spaces: Measured) -> list[Family]:
    """Return space and inodes of each mount, and whether reading them failed."""
    measured = [(_labels(mount), mount, found) for mount, found in spaces.items() if isinstance(found, Space)]
    failed = [
        ((*_labels(mount), _reason(found)), mount) for mount, found in spaces.items() if isinstance(found, Exception)
    ]
    return [
        *_errors(measured, failed),
        *_read_only(measured, failed),
        *(
            gauge(name, help, {labels: getattr(found, field) for labels, _, found in measured}, _LABELS)
            for field, name, help in _FIELDS
        ),
        gauge(
            "node_filesystem_purgeable_bytes",
            "Filesystem space available including purgeable space (MacOS specific).",
            {labels: 0 for labels, _, _ in measured},
            _LABELS,
        ),
        gauge(
            "node_filesystem_mount_info",
            "Filesystem mount information.",
            {
                (labels[0], str(mount.number[0]), str(mount.number[1]), labels[2]): 1
                for labels, mount, _ in measured
                if mount.number
            },
            ("device", "major", "minor", "mountpoint"),
        ),
    ]


_MeasuredMounts = Sequence[tuple[LabelValues, Mount, Space]]
_FailedMounts = Sequence[tuple[LabelValues, Mount]]
"""The mounts that could not be measured, by their labels and the error.

The others lack the label `device_error`. node_exporter gives it an empty value, which means the same.
"""


def _errors(measured: _MeasuredMounts, failed: _FailedMounts) -> list[Family]:
    name = "node_filesystem_device_error"
    help = "Whether an error occurred while getting statistics for the given device."
    return [
        gauge(name, help, {labels: 0 for labels, _, _ in measured}, _LABELS),
        gauge(name, help, {labels: 1 for labels, _ in failed}, _LABELS_WITH_ERROR),
    ]


def _read_only(measured: _MeasuredMounts, failed: _FailedMounts) -> list[Family]:
    name, help = "node_filesystem_readonly", "Filesystem read-only status."
    return [
        gauge(name, help, {labels: int(mount.read_only) for labels, mount, _ in measured}, _LABELS),
        gauge(name, help, {labels: int(mount.read_only) for labels, mount in failed}, _LABELS_WITH_ERROR),
    ]


def _reason(error: Exception) -> str:
    """Return the error in node_exporter's words."""
    if isinstance(error, HungError):
        return "mountpoint timeout"
    if isinstance(error, OSError) and error.errno is not None:
        text = "stale NFS file handle" if error.errno == errno.ESTALE else os.strerror(error.errno)
        return text[:1].lower() + text[1:]
    return str(error)


def _labels(mount: Mount) -> LabelValues:
    return printable(mount.device), mount.type, printable(mount.path)
