"""Expands the patterns of a source to log files, and to folders to watch. Blocking: runs off the loop.

A compressed file is never a log file. The agent reads it only as the rotation of one.
"""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from collectors.logs.files.content import is_compressed
from collectors.logs.files.rotated import is_rotation


@dataclass(frozen=True, slots=True)
class FileStatus:
    """The status of a log file at one look."""

    inode: int
    size: int
    modified_ns: int
    device: int = 0


@dataclass(slots=True)
class FoundFiles:
    """The result of expanding the patterns.

    Attributes:
        files: The log files by path.
        real: The resolved path of each path with a symbolic link.
        folders: The folders to watch.
        duplicates: Other names of log files (links and hard links), each with the name that is read.
        rotated: Rotated files that match the patterns too, by the path of the log file.
    """

    files: dict[str, FileStatus] = field(default_factory=dict)
    real: dict[str, str] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    duplicates: dict[str, str] = field(default_factory=dict)
    rotated: dict[str, list[str]] = field(default_factory=dict)


def find_files(patterns: Iterable[str], known: Iterable[str] = ()) -> FoundFiles:
    """Expand the patterns and get the status of every file.

    Args:
        patterns: Absolute paths with `*`, `?`, `[…]` and `**`.
        known: Paths of known log files. Their rotated files are no log files, even if a pattern matches.
    """
    found = FoundFiles()
    paths: dict[str, int] = {}  # with the number of the first pattern that matches
    for number, pattern in enumerate(patterns):
        for path in glob.iglob(pattern, recursive=True):
            paths.setdefault(path, number)
        found.folders |= _folders(pattern)
    resolved: dict[str, str] = {}
    known = {*known}
    by_folder = _by_folder(paths.keys() | known)
    for path in sorted(path for path in paths if not is_compressed(path)):
        live = _live_path(path, by_folder)
        if live is None:
            _add(found, path, resolved)
        else:
            found.rotated.setdefault(live, []).append(path)
    _keep_one_name(found, lambda path: (path not in known, paths[path], os.path.islink(path), path))
    return found


def _keep_one_name(found: FoundFiles, rank: Callable[[str], tuple[bool, int, bool, str]]) -> None:
    """Leave one name of each file: the known one, else that of the first pattern, else the one that is no link."""
    names: dict[tuple[int, int], list[str]] = {}
    for path, status in found.files.items():
        names.setdefault((status.device, status.inode), []).append(path)
    for same in names.values():
        if len(same) > 1:
            first, *others = sorted(same, key=rank)
            for path in others:
                found.duplicates[path] = first
                del found.files[path]
                found.real.pop(path, None)


def _add(found: FoundFiles, path: str, resolved: dict[str, str]) -> None:
    try:
        status = os.lstat(path)
        real = _real(path, resolved, link=stat.S_ISLNK(status.st_mode))
        if stat.S_ISLNK(status.st_mode):
            status = os.stat(path)
    except OSError:
        return  # just deleted, or a dangling link
    if not stat.S_ISREG(status.st_mode):
        return
    found.files[path] = FileStatus(status.st_ino, status.st_size, status.st_mtime_ns, status.st_dev)
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
    """Return the names in each folder."""
    folders: dict[str, set[str]] = {}
    for path in paths:
        folder, name = os.path.split(path)
        folders.setdefault(folder, set()).add(name)
    return folders


def _live_path(path: str, by_folder: dict[str, set[str]]) -> str | None:
    """Return the log file in the same folder that this one is a rotation of, or `None`."""
    folder, name = os.path.split(path)
    for live in _possible_names(name):
        if live in by_folder[folder] and is_rotation(name, live):
            return os.path.join(folder, live)
    return None


def _possible_names(name: str) -> list[str]:
    """Return the names that `name` may be a rotation of: its beginnings, also with its extension."""
    ends = [index for index, character in enumerate(name) if character in "._-"]
    extension = os.path.splitext(name)[1]
    return [name[:end] for end in ends] + [name[:end] + extension for end in ends]


def _folders(pattern: str) -> set[str]:
    """Return the folders in which a new name can match the pattern."""
    parts = pattern.split("/")
    folders: set[str] = set()
    for count in range(1, len(parts)):
        head = "/".join(parts[:count]) or "/"
        if glob.has_magic("/".join(parts[count : count + 1])) or count == len(parts) - 1:
            folders.update(map(os.path.realpath, glob.iglob(f"{head}/", recursive=True)))
    return folders or {_nearest(pattern)}


def _nearest(path: str) -> str:
    """Return the nearest existing folder above, which shows the return of the path."""
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    return path
