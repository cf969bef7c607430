"""Decides whether a file belongs to a log that is read already: renamed, linked or copied by a rotation.

Blocking: runs off the loop.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import closing, suppress

from collectors.logs.files.content import open_content
from collectors.logs.files.lineage import Lineage
from collectors.logs.files.positions import Generations, Position
from collectors.logs.files.rotated import holds, may_be_rotation

_COMPARED_BYTES = 1 << 16


class Ownership:
    """The owners of the files of one source, by inode.

    Args:
        lineages: The logs that are read, by path.
        known: Saved positions of logs that are not read yet, by path.
    """

    def __init__(self, lineages: Mapping[str, Lineage], known: Mapping[str, Generations]) -> None:
        self._lineages = lineages
        self._known = known
        self._owners: dict[int, str] = {}
        for path, generations in known.items():
            self.record(path, generations)

    def record(self, path: str, generations: Generations) -> None:
        """Record the files of the log at a path."""
        for position in generations:
            self._owners[position.inode] = path

    def owner(self, path: str, status: os.stat_result) -> str | None:
        """Return the path of the log that the file at another path belongs to, or `None`."""
        owner = self._owners.get(status.st_ino)
        if owner is None or owner == path:
            return None
        lineage = self._lineages.get(owner)
        with suppress(OSError):
            if lineage is not None and lineage.has_open(status):
                return owner
            position = next((it for it in self._positions(owner) if it.inode == status.st_ino), None)
            if position is not None and position.head.length and _holds(path, position):
                return owner
        return None

    def copied_from(self, path: str, size: int, logs: Iterable[str]) -> str | None:
        """Return the path of the log that a rotation copied to this path, or `None`.

        Args:
            path: The path of a new file.
            size: Its size in bytes.
            logs: The paths of the logs in its folder.
        """
        name = os.path.basename(path)
        for log in logs:
            if may_be_rotation(name, os.path.basename(log)):
                with suppress(OSError):
                    if any(self._is_copy(path, size, it) for it in self._positions(log)) or _begins(log, path, size):
                        return log
        return None

    def _is_copy(self, path: str, size: int, position: Position) -> bool:
        """Check for the same content. A file that is longer than the live one was written by another program."""
        return position.offset > 0 and (position.finished or size == position.offset) and _holds(path, position)

    def _positions(self, path: str) -> Generations:
        lineage = self._lineages.get(path)
        return lineage.known if lineage is not None else self._known.get(path, ())


def _holds(path: str, position: Position) -> bool:
    with closing(open_content(path)) as content:
        return holds(content, position)


def _begins(log: str, path: str, size: int) -> bool:
    """Check whether the log begins with the content of a file, by both ends of it: a copy may be under way."""
    if not size or os.stat(log).st_size < size:
        return False
    length = min(size, _COMPARED_BYTES)
    with closing(open_content(log)) as original, closing(open_content(path)) as copy:
        return all(original.read(at, length) == copy.read(at, length) for at in (0, size - length))
