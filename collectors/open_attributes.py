"""Attributes of directories below /sys, from files that stay open: a read takes a fifth of the time of an opening.

A descriptor reads the current value each time. It belongs to one device: after a removal or a change of names the
directory has another inode, and its files are opened again.
"""

from __future__ import annotations

import errno
import os
import weakref
from collections.abc import Iterable, Mapping

from collectors.kernel_files import read_attributes

MOST_DIRECTORIES = 8
"""The directories whose files stay open. Those of further ones are opened for each read."""

_CHUNK = 4096


class OpenAttributes:
    """The attributes of directories. Not safe for several threads at once.

    Args:
        names: The names of the attributes in each directory.
        most: The most directories to keep open.
    """

    def __init__(self, names: Iterable[str], most: int = MOST_DIRECTORIES) -> None:
        self._names = tuple(names)
        self._most = most
        self._kept: dict[str, _Directory] = {}

    def read(self, directories: Iterable[str]) -> dict[str, dict[str, str]]:
        """Return the attributes of each directory by their names, without those that the kernel refuses."""
        paths = list(directories)
        self._kept = {path: kept for path, kept in self._kept.items() if path in paths}
        return {path: self._read(path) for path in paths}

    def _read(self, path: str) -> dict[str, str]:
        try:
            inode = os.stat(path).st_ino  # noqa: PTH116 - a text costs less than a path
        except OSError:
            return {}
        kept = self._kept.get(path)
        if kept is None or kept.inode != inode:
            self._kept.pop(path, None)
            if len(self._kept) >= self._most:
                return read_attributes(path, self._names)
            kept = self._kept[path] = _Directory(path, inode, self._names)
        try:
            return kept.read()
        except OSError:  # just removed
            del self._kept[path]
            return read_attributes(path, self._names)


class _Directory:
    """The open files of one directory, closed when this object is collected."""

    def __init__(self, path: str, inode: int, names: Iterable[str]) -> None:
        self.inode = inode
        self._files: dict[str, int] = {}
        weakref.finalize(self, _close, self._files).atexit = False
        for name in names:
            try:
                self._files[name] = os.open(f"{path}/{name}", os.O_RDONLY | os.O_CLOEXEC)
            except OSError:
                continue

    def read(self) -> dict[str, str]:
        """Return the values by name.

        Raises:
            OSError: The device is gone.
        """
        found = {}
        for name, descriptor in self._files.items():
            try:
                found[name] = os.pread(descriptor, _CHUNK, 0).decode(errors="replace").rstrip("\n")
            except OSError as error:
                if error.errno == errno.ENODEV:
                    raise
        return found


def _close(files: Mapping[str, int]) -> None:
    for descriptor in files.values():
        os.close(descriptor)
