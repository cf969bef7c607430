"""A log with several writers, and the rotations of all log rotators."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}

NAMES = (
    "{stem}.{number}{extension}",
    "{stem}-{number}{extension}",
    "{stem}_{number}{extension}",
    "{stem}{number}{extension}",
    "{stem}-{date}-{number}{extension}",
)
"""Names that rotators give."""

_KEPT = 9


class RotatedLog:
    """One log file and its rotated files. One writer opens it for each burst, another holds it open."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()
        self._held: BinaryIO = path.open("ab", buffering=0)

    def write(self, data: bytes) -> None:
        """Write as a program that opens its log for each line."""
        with self.path.open("ab") as file:
            file.write(data)

    def write_held(self, data: bytes) -> None:
        """Write as a program that keeps its log open: after a rotation, to the old file."""
        self._held.write(data)

    def reopen(self) -> None:
        """Let the second writer reopen the log, as on a rotator's signal."""
        self._held.close()
        self._held = self.path.open("ab", buffering=0)

    def close(self) -> None:
        """End the second writer."""
        self._held.close()

    def rename(self) -> None:
        """Rotate as logrotate's `create`: older files get the next number, and the log gets the first."""
        self._shift()
        self.path.rename(f"{self.path}.1")
        self.path.touch()

    def copy_and_truncate(self) -> None:
        """Rotate as logrotate's `copytruncate`. No line is written between the two, as any reader would lose it."""
        self._shift()
        shutil.copyfile(self.path, f"{self.path}.1")
        os.truncate(self.path, 0)

    def compress(self, ending: str) -> None:
        """Compress as logrotate's `compress`. No writer may hold the log open then."""
        self.rename()
        self.reopen()
        self._compress(Path(f"{self.path}.1"), ending)

    def recreate(self) -> None:
        """Rotate under a date and create the log again, very likely with the inode of a removed file."""
        self.path.rename(f"{self.path}-{time.strftime('%Y%m%d')}-{time.time_ns()}")
        self.path.touch()

    def rename_as(self, name: str) -> None:
        """Rotate under a name of another rotator: see `NAMES`."""
        stem, extension = self.path.stem, self.path.suffix
        taken = 0
        while True:
            target = self.path.parent.joinpath(
                name.format(stem=stem, extension=extension, number=taken + 1, date=time.strftime("%m-%d-%Y"))
            )
            if not target.exists():
                break
            taken += 1
        self.path.rename(target)
        self.path.touch()

    def move_away(self, ending: str = "") -> None:
        """Rotate as logrotate's `olddir`, and with an ending as its `compress` too.

        No writer may hold the log open if it is compressed.
        """
        away = self.path.parent / "old" / self.path.name
        away.parent.mkdir(exist_ok=True)
        self._shift(away)
        rotated = Path(f"{away}.1")
        self.path.rename(rotated)
        self.path.touch()
        if ending:
            self.reopen()
            self._compress(rotated, ending)

    def _compress(self, rotated: Path, ending: str) -> None:
        compressed = Path(f"{rotated}{ending}")
        compressed.write_bytes(COMPRESSORS[ending](rotated.read_bytes()))
        shutil.copystat(rotated, compressed)
        rotated.unlink()

    def _shift(self, path: Path | None = None) -> None:
        path = path or self.path
        for number in range(_KEPT, 0, -1):
            for ending in ("", *COMPRESSORS):
                older = Path(f"{path}.{number}{ending}")
                if older.exists():
                    older.rename(f"{path}.{number + 1}{ending}")
