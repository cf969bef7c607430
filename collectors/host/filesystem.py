"""Space and inodes of each mount. A mount that hangs does not delay the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from collectors.host.bounded_calls import BoundedCalls
from collectors.host.config import HostConfig
from collectors.metrics import Family, LabelValues, gauge
from collectors.mounts import Mount, Space, printable, space

_LABELS = ("device", "fstype", "mountpoint")

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
        self._root = root
        self._calls: BoundedCalls[Mount, Space] = BoundedCalls("statvfs", handover=_HANDOVER, deadline=_DEADLINE)

    def measured(self) -> Measured:
        """Return the space of each configured mount, within the deadline."""
        kept = [mount for mount in self._mounts() if self._keeps(mount)]
        return self._calls.answers({mount: partial(space, self._root / mount.path.removeprefix("/")) for mount in kept})

    def families(self) -> list[Family]:
        """Return space and inodes of each mount, and whether reading them failed."""
        return space_families(self.measured())

    def _keeps(self, mount: Mount) -> bool:
        return self._config.mount_points.keeps(mount.path) and self._config.file_system_types.keeps(mount.type)


def space_families(spaces: Measured) -> list[Family]:
    """Return space and inodes of each mount, and whether reading them failed."""
    measured = [(_labels(mount), mount, found) for mount, found in spaces.items() if isinstance(found, Space)]
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
            {labels: int(mount.read_only) for labels, mount, _ in measured},
            _LABELS,
        ),
        *(
            gauge(name, help, {labels: getattr(found, field) for labels, _, found in measured}, _LABELS)
            for field, name, help in _FIELDS
        ),
    ]


def _labels(mount: Mount) -> LabelValues:
    return printable(mount.device), mount.type, printable(mount.path)
