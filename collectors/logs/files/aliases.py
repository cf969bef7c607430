"""The other paths of the files of logs: rotated files that the patterns of a source match too.

The module `ownership` decides which log a file belongs to.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping

from collectors.logs.files.discovery import FoundFiles
from collectors.logs.files.lineage import Lineage
from collectors.logs.files.ownership import Ownership
from collectors.logs.files.positions import Generations, Position


class Aliases:
    """The paths of one source whose files belong to logs at other paths. Belongs to one event loop.

    Args:
        lineages: The logs that are read, by path.
        known: Saved positions of logs that are not read yet, by path.
        ownership: Decides which log a file belongs to.
    """

    def __init__(self, lineages: Mapping[str, Lineage], known: Mapping[str, Generations], ownership: Ownership) -> None:
        self._lineages = lineages
        self._known = known
        self._ownership = ownership
        self._owners: dict[str, tuple[int, str]] = {}  # the inode and the log of each path

    def __contains__(self, path: str) -> bool:
        """Check whether the file at a path belongs to a log at another path."""
        return path in self._owners

    def owner_of(self, path: str) -> str:
        """Return the path of the log that the file at a path belongs to."""
        return self._owners[path][1] if path in self._owners else path

    def unknown(self, changed: Iterable[str], found: FoundFiles) -> list[str]:
        """Forget the paths with another file than before, and return the changed paths to search an owner for."""
        self._owners = {
            path: alias
            for path, alias in self._owners.items()
            if path in found.files and found.files[path].inode == alias[0]
        }
        unknown = [path for path in changed if path not in self._known]
        return unknown if self._lineages or self._known else []

    def owners(self, paths: Iterable[str], found: FoundFiles) -> dict[str, str]:
        """Return the paths of files that belong to other logs, each with its log. Blocking: runs off the loop."""
        owners = {}
        logs: dict[str, list[str]] = {}
        for path in {*self._lineages, *self._known}:
            logs.setdefault(os.path.dirname(path), []).append(path)
        for path in paths:
            try:
                owner = self._ownership.owner(path, os.stat(path))
            except OSError:
                continue  # just deleted
            if owner is None and path not in self._lineages:
                same_folder = logs.get(os.path.dirname(path), ())
                owner = self._ownership.copied_from(path, found.files[path].size, same_folder)
            if owner is not None:
                owners[path] = owner
        return owners

    def replace(self, paths: Iterable[str], owners: Mapping[str, str], found: FoundFiles) -> None:
        """Record the owners of the files at these paths, which have none unless it is given."""
        for path in paths:
            self._owners.pop(path, None)
        self._owners |= {path: (found.files[path].inode, owner) for path, owner in owners.items()}

    def written_on(self, found: FoundFiles) -> Iterator[tuple[str, str, Position]]:
        """Yield the renamed files that are written on, though their log has read them to their end.

        Each is a log of its own from now on: its path, the path of the log before, and its position.
        """
        for path, (inode, owner) in list(self._owners.items()):
            lineage = self._lineages.get(owner)
            position = lineage.position_of(inode) if lineage is not None else None
            if lineage is None or position is None or path in self._lineages:
                continue
            if position.finished and found.files[path].size > position.offset and lineage.release(inode):
                del self._owners[path]
                yield path, owner, position

    def keep_inodes(self) -> None:
        """Let each log remember those of its finished files that still stand under other paths."""
        kept: dict[str, set[int]] = {}
        for inode, owner in self._owners.values():
            kept.setdefault(owner, set()).add(inode)
        for path, lineage in self._lineages.items():
            if lineage.kept_inodes or path in kept:
                lineage.kept_inodes = frozenset(kept.get(path, ()))
