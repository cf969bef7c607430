"""File systems that audio depends on: the audio user's home, and shared memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePath

from collectors.findings import Finding, Severity
from collectors.mounts import Mount, linux_mounts, printable, visible

_REMOTE = frozenset(
    {
        *("9p", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "glusterfs", "gpfs", "lustre", "nfs", "nfs4"),
        *("orangefs", "prl_fs", "smb3", "sshfs", "vboxsf", "virtiofs", "vmhgfs"),
    }
)
_SHARED = PurePath("/dev", "shm")
_IN_MEMORY = frozenset({"tmpfs", "ramfs"})


def read(root: Path) -> Sequence[Mount]:
    """Return the mounts; none where the kernel does not list them."""
    try:
        return linux_mounts(root)
    except OSError:
        return []


def under(path: PurePath, mounts: Sequence[Mount]) -> Mount | None:
    """Return the mount that holds a path: the last one with the longest mount point above it."""
    above = [mount for mount in visible(mounts) if path.is_relative_to(mount.path)]
    return max(reversed(above), key=lambda mount: len(PurePath(mount.path).parts), default=None)


def check(mounts: Sequence[Mount], home: PurePath | None) -> list[Finding]:
    """Return findings for a home on a network or FUSE mount, and for shared memory on a disk."""
    kept = under(home, mounts) if home else None
    shared = under(_SHARED, mounts)
    found = []
    if kept and (kept.type in _REMOTE or (kept.type == "fuse" or kept.type.startswith("fuse."))):
        found.append(_remote(kept))
    if shared and shared.type not in _IN_MEMORY:
        found.append(_on_disk(shared))
    return found


def _remote(mount: Mount) -> Finding:
    return Finding(
        code="filesystem-home-remote",
        title="The home folder is on a file system that can stall",
        severity=Severity.INFO,
        detail=f"{printable(mount.path)} is {mount.type} on {printable(mount.device)}; a local disk is expected.",
        affects="Recordings and samples wait for the network or for the FUSE program.",
        remedy=("keep projects and samples on a local disk, such as a folder of /srv",),
    )


def _on_disk(mount: Mount) -> Finding:
    return Finding(
        code="filesystem-shm-on-disk",
        title="Shared memory is on a disk",
        severity=Severity.WARNING,
        detail=f"{_SHARED} is on {printable(mount.path)} ({mount.type}); tmpfs is expected.",
        affects="JACK passes all audio through it. Each buffer may wait for the disk.",
        remedy=("sudo mount -t tmpfs -o mode=1777 tmpfs /dev/shm", "add that mount to /etc/fstab"),
    )
