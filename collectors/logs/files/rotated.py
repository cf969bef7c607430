"""Finds the files that a rotation made of a log file: renamed, copied or compressed.

Owns the names that rotation gives and the search among them. The module `lineage` decides which of them to read.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field

from collectors.logs.files.content import Content, is_compressed, open_content, uncompressed_name
from collectors.logs.files.positions import Position

_DATE = r"(?:(?:19|20)\d\d-?(?:[01]\d-?[0-3]\d|W[0-5]\d(?:-?[1-7])?)|[0-3]\d-[0-3]\d-(?:19|20)\d\d)"
_SUFFIX = re.compile(rf"[._-](?:\d[\dT:._-]*|{_DATE}[\dT:._-]*|old|bak|prev|orig|save)")
_DATED = re.compile(rf"[._-]{_DATE}[\dT:._-]*")
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Rotated:
    """A file with a name that rotation gives. Two are equal if no rename happened between them.

    Attributes:
        path: Its path.
        inode: Its inode.
        modified_ns: The time of its last write, which compression keeps.
    """

    path: str
    inode: int
    modified_ns: int = field(compare=False)


def is_rotation(name: str, live: str) -> bool:
    """Check whether a rotation of `live` has this name, such as `app.log.1` or `app-2026-11-22.log.gz`."""
    base = uncompressed_name(name)
    if base == live:
        return name != live
    if base.startswith(live):
        return _SUFFIX.fullmatch(base[len(live) :]) is not None
    stem, extension = os.path.splitext(live)
    if not (extension and base.startswith(stem) and base.endswith(extension)):
        return False
    return _DATED.fullmatch(base[len(stem) : -len(extension)]) is not None


def may_be_rotation(name: str, live: str) -> bool:
    """Check whether a rotation may give this name, such as `app-1.log`. Other logs have such names too."""
    stem, extension = os.path.splitext(live)
    base = uncompressed_name(name)
    if name == live or not (base.startswith(stem) and base.endswith(extension)):
        return False
    return _NUMBER.search(base[len(stem) : len(base) - len(extension)]) is not None


def rotations(path: str, more: Iterable[str] = ()) -> list[Rotated]:
    """Return the rotated files in the folders of a log file, oldest first.

    Args:
        path: The log file.
        more: Other folders that earlier rotations used.

    Raises:
        OSError: Its own folder cannot be read.
    """
    folder, live = os.path.split(os.path.realpath(path))
    files = _in_folder(folder, live) + _in_folders({*more} - {folder}, live)
    times = {file.path: file.modified_ns for file in files}
    return sorted((file for file in files if not _is_being_made(file, times)), key=_age)


def elsewhere(path: str, inode: int) -> list[Rotated]:
    """Return candidates outside the usual names, which the caller must check by content.

    They are in the folder of the log and its subfolders (logrotate's `olddir`): the file of this inode under any name,
    files with rotated names, and compressed files that begin with the stem of the log's name.

    Raises:
        OSError: The folder cannot be read.
    """
    folder, live = os.path.split(os.path.realpath(path))
    with os.scandir(folder) as opened:
        entries = list(opened)
    candidates = [entry for entry in entries if _is_candidate(entry, inode, live)]
    for within in [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]:
        with suppress(OSError), os.scandir(within) as opened:  # gone or not readable
            candidates += [
                entry for entry in opened if is_rotation(entry.name, live) or _is_candidate(entry, inode, live)
            ]
    files = [_rotated(entry) for entry in candidates]
    return [file for file in files if file is not None]


def _is_candidate(entry: os.DirEntry[str], inode: int, live: str) -> bool:
    compressed = is_compressed(entry.name) and entry.name.startswith(os.path.splitext(live)[0])
    return entry.inode() == inode or compressed or may_be_rotation(entry.name, live)


def _in_folders(folders: Iterable[str], live: str) -> list[Rotated]:
    files = []
    for folder in folders:
        with suppress(OSError):  # gone or not readable
            files += _in_folder(folder, live)
    return files


def _in_folder(folder: str, live: str) -> list[Rotated]:
    with os.scandir(folder) as entries:
        found = [_rotated(entry) for entry in entries if is_rotation(entry.name, live)]
    return [file for file in found if file is not None]


def _is_being_made(file: Rotated, times: Mapping[str, int]) -> bool:
    """Check whether a compressed file may be incomplete: its older source still exists."""
    plain_ns = times.get(uncompressed_name(file.path))
    return is_compressed(file.path) and plain_ns is not None and plain_ns <= file.modified_ns


def _rotated(entry: os.DirEntry[str]) -> Rotated | None:
    try:
        status = entry.stat()
    except OSError:
        return None  # just deleted
    return Rotated(entry.path, status.st_ino, status.st_mtime_ns) if stat.S_ISREG(status.st_mode) else None


def _age(file: Rotated) -> tuple[int, int, str]:
    numbers = _NUMBER.findall(os.path.basename(file.path))
    return (file.modified_ns, -int(numbers[-1]) if numbers else 0, file.path)


def find(position: Position, files: Iterable[Rotated]) -> Rotated | None:
    """Return the file with the content of `position`: renamed first, then copied, then compressed."""
    candidates = sorted(files, key=lambda file: (file.inode != position.inode, is_compressed(file.path)))
    return next((file for file in candidates if _has(file, position)), None)


def _has(file: Rotated, position: Position) -> bool:
    if not position.head.length:
        return file.inode == position.inode and not is_compressed(file.path)
    try:
        with closing(open_content(file.path)) as content:
            return holds(content, position)
    except OSError:
        return False


def holds(content: Content, position: Position) -> bool:
    """Check whether a position belongs to this content."""
    tail = position.tail.length
    return position.head.matches(content.read(0, position.head.length)) and position.tail.matches(
        content.read(position.offset - tail, tail)
    )
