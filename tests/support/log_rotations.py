"""A log that is written by several writers, and rotated in every way that log rotators know."""

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

_KEPT = 9


class RotatedLog:
    """One log file, and what rotation made of it. One writer opens it for each burst, another holds it open."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()
        self._held: BinaryIO = path.open("ab", buffering=0)

    def write(self, data: bytes) -> None:
        """Write as a program does that opens its log for each line."""
        with self.path.open("ab") as file:
            file.write(data)

    def write_held(self, data: bytes) -> None:
        """Write as a program does that keeps its log open: after a rotation, to the file that it was."""
        self._held.write(data)

    def reopen(self) -> None:
        """Have the second writer open the log anew, as on a rotator's signal."""
        self._held.close()
        self._held = self.path.open("ab", buffering=0)

    def close(self) -> None:
        """End the second writer."""
        self._held.close()

    def rename(self) -> None:
        """As logrotate's `create`: the older ones move up, the log becomes the first of them."""
        self._shift()
        self.path.rename(f"{self.path}.1")
        self.path.touch()

    def copy_and_truncate(self) -> None:
        """As logrotate's `copytruncate`; nothing is written between the two, which no reader could save."""
        self._shift()
        shutil.copyfile(self.path, f"{self.path}.1")
        os.truncate(self.path, 0)

    def compress(self, ending: str) -> None:
        """As logrotate's `compress`; before it nobody may hold the log any more."""
        self.rename()
        self.reopen()
        rotated = Path(f"{self.path}.1")
        compressed = Path(f"{rotated}{ending}")
        compressed.write_bytes(COMPRESSORS[ending](rotated.read_bytes()))
        shutil.copystat(rotated, compressed)
        rotated.unlink()

    def recreate(self) -> None:
        """Rotated under a date, and created anew: very likely with the inode of a file that is gone."""
        self.path.rename(f"{self.path}-{time.strftime('%Y%m%d')}-{time.time_ns()}")
        self.path.touch()

    def _shift(self) -> None:
        for number in range(_KEPT, 0, -1):
            for ending in ("", *COMPRESSORS):
                older = Path(f"{self.path}.{number}{ending}")
                if older.exists():
                    older.rename(f"{self.path}.{number + 1}{ending}")
