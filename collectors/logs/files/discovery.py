"""Which files the patterns of a source mean now, and in which folders changes matter. Blocking: runs off the loop.

Compressed files are no log files of their own: they are read only as what a log file became.
"""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field

from collectors.logs.files.content import is_compressed
from collectors.logs.files.rotated import is_rotation


@dataclass(frozen=True, slots=True)
class Seen:
    """A log file as it was last looked at."""

    inode: int
    size: int
    modified_ns: int


@dataclass(slots=True)
class Look:
    """What a look at the patterns found.

    Attributes:
        files: The log files by path.
        real: Where a path that is, or goes through, a symbolic link leads to.
        folders: Where changes matter.
        rotated: What rotation made of a log file and the patterns name as well, by the log file's path.
    """

    files: dict[str, Seen] = field(default_factory=dict)
    real: dict[str, str] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    rotated: dict[str, list[str]] = field(default_factory=dict)


def look(patterns: Iterable[str], known: Iterable[str] = ()) -> Look:
    """Expand the patterns and look at every file.

    Args:
        patterns: Absolute paths with `*`, `?`, `[…]` and `**`.
        known: Paths that are log files already; what rotation makes of them is theirs, even if a pattern matches it.
    """
    found = Look()
    paths: set[str] = set()
    for pattern in patterns:
        paths.update(glob.iglob(pattern, recursive=True))
        found.folders |= _folders(pattern)
    resolved: dict[str, str] = {}
    by_folder = _by_folder(paths | set(known))
    for path in sorted(path for path in paths if not is_compressed(path)):
        live = _live_path(path, by_folder)
        if live is None:
            _add(found, path, resolved)
        else:
            found.rotated.setdefault(live, []).append(path)
    return found


def _add(found: Look, path: str, resolved: dict[str, str]) -> None:
    try:
        status = os.lstat(path)
        real = _real(path, resolved, link=stat.S_ISLNK(status.st_mode))
        if stat.S_ISLNK(status.st_mode):
            status = os.stat(path)
    except OSError:
        return  # gone in this moment, or a link that leads nowhere
    if not stat.S_ISREG(status.st_mode):
        return
    found.files[path] = Seen(status.st_ino, status.st_size, status.st_mtime_ns)
    found.folders.add(os.path.dirname(real))
    if real != path:
        found.real[path] = real


def _real(path: str, resolved: dict[str, str], *, link: bool) -> str:
    if link:
        return os.path.realpath(path)
    folder, name = os.path.split(path)
    if folder not in resolved:
        resolved[folder] = os.path.realpath(folder)
    return os.path.join(resolved[folder], name)


def _by_folder(paths: Iterable[str]) -> dict[str, set[str]]:
    """The names in each folder."""
    folders: dict[str, set[str]] = {}
    for path in paths:
        folder, name = os.path.split(path)
        folders.setdefault(folder, set()).add(name)
    return folders


def _live_path(path: str, by_folder: dict[str, set[str]]) -> str | None:
    """The log file in the same folder of which this one is a rotation, if there is one."""
    folder, name = os.path.split(path)
    for live in _possible_names(name):
        if live in by_folder[folder] and is_rotation(name, live):
            return os.path.join(folder, live)
    return None


def _possible_names(name: str) -> list[str]:
    """The names of which `name` might be a rotation: its beginnings, and those with its extension behind them."""
    ends = [index for index, character in enumerate(name) if character in "._-"]
    extension = os.path.splitext(name)[1]
    return [name[:end] for end in ends] + [name[:end] + extension for end in ends]


def _folders(pattern: str) -> set[str]:
    """The folders in which a new name could make the pattern match more."""
    parts = pattern.split("/")
    folders: set[str] = set()
    for count in range(1, len(parts)):
        head = "/".join(parts[:count]) or "/"
        if glob.has_magic("/".join(parts[count : count + 1])) or count == len(parts) - 1:
            folders.update(map(os.path.realpath, glob.iglob(f"{head}/", recursive=True)))
    return folders or {_nearest(pattern)}


def _nearest(path: str) -> str:
    """The nearest folder above that exists: there its return will be seen."""
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    return path
