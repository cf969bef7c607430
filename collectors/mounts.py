"""The mount table, and the space of one file system."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from collectors.kernel_files import read_bytes

_ESCAPE = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of the mount table. Bytes that are not UTF-8 are surrogates, as `os.fsdecode` makes them."""

    device: str
    path: str
    type: str
    read_only: bool


@dataclass(frozen=True, slots=True)
class Space:
    """Bytes and inodes of one file system. `available` is the space left to users other than root."""

    size: int
    free: int
    available: int
    files: int
    files_free: int


@lru_cache(maxsize=1)  # the table rarely changes between scrapes
def parse_mounts(table: bytes) -> tuple[Mount, ...]:
    """Parse the text of /proc/self/mounts, in the format of fstab(5).

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
    """Return the space of the file system at `path`.

    It may hang for as long as the server of a network file system does not answer.

    Raises:
        OSError: The file system refuses.
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
    """Return the mounts of the machine; those of this process if the first process is hidden."""
    try:
        return parse_mounts(read_bytes(root / "proc/1/mounts"))
    except OSError:
        return parse_mounts(read_bytes(root / "proc/self/mounts"))


def printable(name: str) -> str:
    """Return a file name as valid Unicode: bytes that are not UTF-8 become U+FFFD."""
    return os.fsencode(name).decode(errors="replace")
