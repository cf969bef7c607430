"""The mount table, and the space of one file system."""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from collectors.kernel_files import read_bytes

_ESCAPE = re.compile(r"\\([0-7]{3})")


_READ_ONLY = frozenset({"ro", "emergency_ro", "shutdown"})
"""Options of a file system that refuses writes. ext4 sets `emergency_ro` after an error since Linux 6.16."""

IN_MEMORY = frozenset({"ramfs", "tmpfs"})
"""Types of file systems that are no storage."""

_TABLES = ("mountinfo", "mounts")


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of the mount table. Bytes that are not UTF-8 are surrogates, as `os.fsdecode` makes them.

    Attributes:
        device: The mounted device, or another name that the file system chose. Several mounts may share it.
        path: The mount point.
        type: The type of the file system.
        read_only: True if the mount, or the whole file system, refuses writes.
        number: Major and minor number of the file system, which identify it; None in a table that lacks them.
        hidden: True if a later mount above it covers its path, which then leads to another file system.
    """

    device: str
    path: str
    type: str
    read_only: bool
    number: tuple[int, int] | None = None
    hidden: bool = False

    def __hash__(self) -> int:
        """Return the hash of the path, which takes a quarter of the time of all fields."""
        return hash(self.path)


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
    return Mount(unescaped(device), unescaped(path), unescaped(type_), _is_read_only(options))


@lru_cache(maxsize=2)  # of the first process and of this one
def parse_mountinfo(table: bytes) -> tuple[Mount, ...]:
    """Parse the text of /proc/self/mountinfo (proc_pid_mountinfo(5)).

    Raises:
        ValueError: A line lacks a field.
    """
    rows = [_row(line) for line in os.fsdecode(table).split("\n") if line]
    tree = _Tree({row.identifier: row for row in rows}, frozenset((row.parent, row.mount.path) for row in rows))
    return tuple(replace(row.mount, hidden=True) if tree.hides(row) else row.mount for row in rows)


class _Row(NamedTuple):
    """One line of mountinfo: the identifier of the mount, that of the mount that it is mounted on, and the mount."""

    identifier: str
    parent: str
    mount: Mount


class _Tree(NamedTuple):
    """The mounts by their identifiers, and the places at which mounts are: the mount below, and the path."""

    rows: Mapping[str, _Row]
    places: AbstractSet[tuple[str, str]]

    def hides(self, row: _Row) -> bool:
        """Return True if another mount covers a folder above this mount, or above one that this is mounted on."""
        seen: set[str] = set()
        while row.parent in self.rows and row.parent not in seen:
            seen.add(row.parent)
            below = self.rows[row.parent]
            if any((row.parent, folder) in self.places for folder in _folders(below.mount.path, row.mount.path)):
                return True
            row = below
        return False


def _folders(top: str, path: str) -> Iterator[str]:
    """Yield the folders above a path, up to `top`."""
    while len(path) > len(top):
        path = path.rpartition("/")[0] or "/"
        if len(path) >= len(top):
            yield path


def _row(line: str) -> _Row:
    mount, _, file_system = line.partition(" - ")
    try:
        identifier, parent, number, _, path, options, *_ = mount.split(" ")
        type_, device, own_options = file_system.split(" ", 2)
        major, minor = map(int, number.split(":"))
    except ValueError as error:
        raise ValueError(f"expected a line of proc_pid_mountinfo(5) in the mount table, found {line!r}") from error
    read_only = _is_read_only(options) or _is_read_only(own_options)
    found = Mount(unescaped(device), unescaped(path), unescaped(type_), read_only, (major, minor))
    return _Row(identifier, parent, found)


def _is_read_only(options: str) -> bool:
    return not _READ_ONLY.isdisjoint(options.split(","))


def unescaped(field: str) -> str:
    """Return a field of the mount table without its octal escapes, which stand for blanks and the like."""
    return _ESCAPE.sub(lambda escape: chr(int(escape[1], 8)), field) if "\\" in field else field


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
    """Return the mounts of the machine, and the storage that only this process sees.

    The machine's are those of the first process: a service's own namespace shows its disks as read-only. A process that
    was started in a namespace of its own may use disks that the first process lacks.

    Raises:
        OSError: The kernel shows no mount table.
    """
    machine, own = _mounts(root / "proc/1"), _mounts(root / "proc/self")
    if machine is None and own is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(root / "proc/1" / _TABLES[0]))
    if machine is None or own is None:
        return machine or own or ()
    known = {mount.number for mount in machine}
    return (*machine, *(it for it in own if it.number not in known | {None} and it.type not in IN_MEMORY))


def _mounts(process: Path) -> tuple[Mount, ...] | None:
    """Return the mounts that a process sees; None if it is hidden."""
    for table in _TABLES:
        with contextlib.suppress(OSError):
            content = read_bytes(process / table)
            return parse_mountinfo(content) if table == "mountinfo" else parse_mounts(content)
    return None


def visible(mounts: Iterable[Mount]) -> list[Mount]:
    """Return the mounts that programs can reach: of several at one path, the last hides the others."""
    return list({mount.path: mount for mount in mounts if not mount.hidden}.values())


def printable(name: str) -> str:
    """Return a file name as valid Unicode: bytes that are not UTF-8 become U+FFFD."""
    return os.fsencode(name).decode(errors="replace")
