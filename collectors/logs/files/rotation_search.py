"""The search for the files that the rotations of one log made, by name, inode and content. Blocking."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence

from collectors.logs.files.positions import Position
from collectors.logs.files.rotated import Rotated, elsewhere, find, is_rotation, rotations

Owner = Callable[[str, os.stat_result], str | None]
"""Returns the path of the log that the file at another path belongs to, by its inode and its content."""


class RotationSearch:
    """The rotated files of one log, and the folders that they were found in.

    Args:
        path: The path of the log.
        owner: Returns the path of the log that a file belongs to.
    """

    def __init__(self, path: str, owner: Owner) -> None:
        self._path = path
        self._owner = owner
        self._folders: set[str] = set()

    def rotations(self) -> list[Rotated]:
        """Return the rotated files; none if the folder is not readable.

        Raises:
            OSError: The folder is not available.
        """
        try:
            return rotations(self._path, self._folders)
        except PermissionError:
            return []

    def find(self, position: Position, known: Sequence[Position]) -> Rotated | None:
        """Return the file that a position belongs to.

        Args:
            position: The position.
            known: The positions of all files of the log.

        Raises:
            OSError: The folder is not available.
        """
        files: list[Rotated] = []
        found = None
        while found is None:
            before, files = files, self.rotations()
            if files == before:  # no rename happened during the search
                break
            found = find(position, _candidates(position, files, known))
        if found is None:
            found = self._elsewhere(position, known)
        if found is not None:
            self._folders.add(os.path.dirname(found.path))
        return found

    def _elsewhere(self, position: Position, known: Sequence[Position]) -> Rotated | None:
        """Search outside the usual names. A file that was seen empty must have the name of a rotation too."""
        files = elsewhere(self._path, position.inode)
        if not position.head.length:
            live = os.path.basename(os.path.realpath(self._path))
            files = [file for file in files if is_rotation(os.path.basename(file.path), live)]
        return find(position, _candidates(position, files, known))

    def unknown(self, files: Iterable[Rotated], known: Sequence[Position]) -> list[Rotated]:
        """Return those of the files that no known position and no other log belongs to."""
        unknown = [file for file in files if not any(find(position, [file]) for position in known)]
        return [file for file in unknown if not self._is_of_another_log(file)]

    def _is_of_another_log(self, file: Rotated) -> bool:
        try:
            return self._owner(file.path, os.stat(file.path)) not in {None, self._path}
        except OSError:
            return False


def _candidates(position: Position, files: list[Rotated], known: Sequence[Position]) -> list[Rotated]:
    """Return candidates for a position. That of an empty file is known by its inode alone, which is reused."""
    if position.head.length:
        return files
    others = [other for other in known if other.head.length]
    return [file for file in files if not any(find(other, [file]) for other in others)]
