"""Notifications of changes in folders, by Linux's inotify.

Owns the descriptor and its events. Without inotify, the source polls.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Callable, Iterable

_MODIFY, _ATTRIB, _MOVED_FROM, _MOVED_TO, _CREATE, _DELETE, _DELETE_SELF, _MOVE_SELF = (
    0x2, 0x4, 0x40, 0x80, 0x100, 0x200, 0x400, 0x800,
)  # fmt: skip
_IGNORED, _ONLY_FOLDERS = 0x8000, 0x01000000
_WANTED = _MODIFY | _ATTRIB | _MOVED_FROM | _MOVED_TO | _CREATE | _DELETE | _DELETE_SELF | _MOVE_SELF | _ONLY_FOLDERS
_EVENT = struct.Struct("iIII")  # inotify(7): watch descriptor, mask, cookie, length of the name
_BUFFER = 1 << 16


class FolderWatch:
    """An inotify watch on folders.

    Args:
        written: Called with the path of a written file.
        changed: Called once for many events, after files were created, deleted, renamed or got other permissions.

    Attributes:
        available: True if this system has inotify.
        complete: True if all requested folders are watched.
    """

    def __init__(self, written: Callable[[str], None], changed: Callable[[], None]) -> None:
        self._written = written
        self._changed = changed
        self._library = ctypes.CDLL(None, use_errno=True)
        self._descriptor = self._open()
        self._folders: dict[int, str] = {}
        self.complete = self.available

    @property
    def available(self) -> bool:
        """True if this system has inotify."""
        return self._descriptor >= 0

    def fileno(self) -> int:
        """Return the descriptor that is readable while events wait."""
        return self._descriptor

    def watch(self, folders: Iterable[str]) -> None:
        """Watch exactly these folders. Blocking: runs off the loop."""
        if not self.available:
            return
        wanted = set(folders)
        for number, folder in list(self._folders.items()):
            if folder not in wanted:
                self._library.inotify_rm_watch(self._descriptor, number)
                self._folders.pop(number, None)
        numbers = {folder: self._library.inotify_add_watch(self._descriptor, os.fsencode(folder), _WANTED)
                   for folder in wanted}  # fmt: skip
        self._folders = {number: folder for folder, number in numbers.items() if number >= 0}
        self.complete = len(self._folders) == len(wanted)

    def read(self) -> None:
        """Read all waiting events and make the calls."""
        names: set[str] = set()
        changed = False
        for number, mask, name in self._events():
            if mask & _MODIFY and number in self._folders:
                names.add(os.path.join(self._folders[number], name))
            else:
                changed = True
            if mask & _IGNORED:
                self._folders.pop(number, None)
        for name in names:
            self._written(name)
        if changed:
            self._changed()

    def close(self) -> None:
        """Close the descriptor."""
        if self.available:
            os.close(self._descriptor)
            self._descriptor = -1

    def _open(self) -> int:
        try:
            return int(self._library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
        except AttributeError:
            return -1

    def _events(self) -> list[tuple[int, int, str]]:
        events: list[tuple[int, int, str]] = []
        while True:
            try:
                data = os.read(self._descriptor, _BUFFER)
            except BlockingIOError:
                return events
            start = 0
            while start < len(data):
                number, mask, _, length = _EVENT.unpack_from(data, start)
                start += _EVENT.size + length
                events.append((number, mask, os.fsdecode(data[start - length : start].rstrip(b"\0"))))
