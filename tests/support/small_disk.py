"""A real file system of a few MiB, mounted from a file. Needs root and loop devices."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

_MIB = 1 << 20
_SIZE = 16 * _MIB

MAY_MOUNT = os.geteuid() == 0 and Path("/dev/loop-control").exists()


class SmallDisk:
    """A mounted file system."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def fill(self) -> None:
        """Fill nearly all of it."""
        free = os.statvfs(self.path).f_bavail * os.statvfs(self.path).f_frsize
        (self.path / "takes.wav").write_bytes(b"\1" * (free * 97 // 100))

    def clear(self) -> None:
        """Free the space again."""
        (self.path / "takes.wav").unlink()

    def use_inodes(self) -> None:
        """Use nearly all of its inodes."""
        for number in range(os.statvfs(self.path).f_ffree * 97 // 100):
            (self.path / f"{number}.txt").touch()

    def remount_read_only(self) -> None:
        """Let it refuse writes, as an image does."""
        _run("mount", "-o", "remount,ro", self.path)


@contextlib.contextmanager
def small_disk(folder: Path, path: Path | None = None) -> Iterator[SmallDisk]:
    """Mount an empty file system at a path, or else below `folder`, and unmount it afterwards."""
    path = path or folder / "recordings"
    path.mkdir(exist_ok=True)
    image = folder / f"{path.name}.img"
    with image.open("wb") as file:
        file.truncate(_SIZE)
    _run("mkfs.ext4", "-q", "-m", "0", image)
    _run("mount", "-o", "loop", image, path)
    try:
        yield SmallDisk(path)
    finally:
        _run("umount", path)


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=60)
