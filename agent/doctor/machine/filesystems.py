"""File systems that audio depends on: the audio user's home, and shared memory with its space."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePath

from collectors import remedies
from collectors.findings import Finding, Severity
from collectors.host.checks import free_space, is_low
from collectors.mounts import IN_MEMORY, Mount, Space, linux_mounts, printable, space, visible

_REMOTE = frozenset(
    {
        *("9p", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "glusterfs", "gpfs", "lustre", "nfs", "nfs4"),
        *("orangefs", "prl_fs", "smb3", "sshfs", "vboxsf", "virtiofs", "vmhgfs"),
    }
)
_SHARED = PurePath("/dev", "shm")


def read(root: Path) -> Sequence[Mount]:
    """Return the mounts; none where the kernel does not list them."""
    try:
        return linux_mounts(root)
    except OSError:
        return []


def shared_space(root: Path) -> Space | None:
    """Return the space of shared memory; None without any."""
    try:
        return space(root / _SHARED.relative_to("/"))
    except OSError:
        return None


def under(path: PurePath, mounts: Sequence[Mount]) -> Mount | None:
    """Return the mount that holds a path: the last one with the longest mount point above it."""
    above = [mount for mount in visible(mounts) if path.is_relative_to(mount.path)]
    return max(reversed(above), key=lambda mount: len(PurePath(mount.path).parts), default=None)


def check(mounts: Sequence[Mount], home: PurePath | None, left: Space | None = None) -> list[Finding]:
    """Return findings for a home on a network or FUSE mount, and for shared memory on a disk or nearly full.

    Args:
        mounts: The mounts of the machine.
        home: The home folder of the audio user; None if there is none.
        left: The space of shared memory; None if it is unknown.
    """
    kept = under(home, mounts) if home else None
    shared = under(_SHARED, mounts)
    found = []
    if kept and (kept.type in _REMOTE or (kept.type == "fuse" or kept.type.startswith("fuse."))):
        found.append(_remote(kept))
    if shared and shared.type not in IN_MEMORY:
        found.append(_on_disk(shared))
    if left and is_low(left):
        found.append(_shared_full(left))
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


def _shared_full(left: Space) -> Finding:
    return Finding(
        code="filesystem-shm-full",
        title="Shared memory is nearly full",
        severity=Severity.FAILURE,
        detail=f"{_SHARED} has {free_space(left)}. It has {left.files_free} of {left.files} inodes free.",
        affects="No JACK server can start, and no client can connect, without room there.",
        remedy=(
            f"ls -lS {_SHARED} | head  # shows the largest files",
            *remedies.command(f"fuser -v {_SHARED}/*", "shows the programs that use them"),
            "end the programs that are not needed; a file that no program uses may be deleted",
        ),
    )
