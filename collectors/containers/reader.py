"""The reader of control groups, of version 1 or 2."""

from __future__ import annotations

import os
import resource
import weakref
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path

from collectors.containers import cgroup_v1, cgroup_v2
from collectors.containers.block_devices import BlockDevices
from collectors.containers.cgroup_reading import CgroupReading, Files
from collectors.containers.layout import UNIFIED, Layout

MOST_OPEN = 512
"""The descriptors that stay open between scrapes. The kernel keeps 5 KiB for each."""

_SHARE_OF_LIMIT = 8
"""The part of the process's limit of descriptors that may stay open."""

_FILES_OF_A_GROUP = 18
"""The most descriptors of one group in one tree, counted for a group that was never read."""


class Reader:
    """The reader of the control groups of one layout, on the machine whose files are under `root`.

    It keeps the files of the first groups open from one scrape to the next. Use it from one thread at a time.

    Attributes:
        unreadable: The number of control groups since `begin()` that exist and could not be read.
    """

    def __init__(self, layout: Layout, root: Path) -> None:
        self._layout = layout
        self._devices = BlockDevices(root)
        self._kept: dict[str, Files] = {}
        self._used: set[str] = set()
        self._room = 0
        self.unreadable = 0
        weakref.finalize(self, _close, self._kept).atexit = False

    def begin(self) -> None:
        """Begin a scrape: names of devices are looked up again, and `unreadable` is zero.

        The files of groups that the scrape before did not read are closed.
        """
        self._devices.forget()
        for directory in self._kept.keys() - self._used:
            self._kept.pop(directory).close()
        self._used.clear()
        self._room = _most_open() - sum(files.open for files in self._kept.values())
        self.unreadable = 0

    def read(self, path: str, tops: Iterable[str]) -> CgroupReading:
        """Return the numbers of a control group; none if it is gone.

        Args:
            path: Its path.
            tops: The mount points of the trees that it is in.
        """
        with ExitStack() as opened:
            by_top: dict[str, Files] = {}
            for top in tops:
                try:
                    by_top[top] = self._from_before(top + path) or self._opened(top + path, opened)
                except FileNotFoundError:
                    continue
                except OSError:
                    self.unreadable += 1
            return self._reading(by_top)

    def _reading(self, by_top: Mapping[str, Files]) -> CgroupReading:
        trees = {name: by_top[top] for name, top in self._layout.trees.items() if top in by_top}
        try:
            if UNIFIED in trees:
                return cgroup_v2.read(trees[UNIFIED], self._devices.name)
            return cgroup_v1.read(trees, self._devices.name)
        except (ValueError, IndexError):  # a file of another form costs its own group
            self.unreadable += 1
            return {}

    def _from_before(self, directory: str) -> Files | None:
        """Return the open files of a group; None if there are none, or if they are those of an earlier group.

        Raises:
            OSError: The group is gone, or not readable.
        """
        files = self._kept.get(directory)
        if files is None:
            return None
        if os.stat(directory).st_ino != files.inode:  # noqa: PTH116 - a text costs less than a path
            self._kept.pop(directory).close()
            return None
        self._used.add(directory)
        return files

    def _opened(self, directory: str, opened: ExitStack) -> Files:
        if self._room <= 0:
            return opened.enter_context(Files(directory))
        files = self._kept[directory] = Files(directory, keep=True)
        self._used.add(directory)
        self._room -= _FILES_OF_A_GROUP
        return files


def _most_open() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_OPEN if soft == resource.RLIM_INFINITY else min(MOST_OPEN, soft // _SHARE_OF_LIMIT)


def _close(kept: Mapping[str, Files]) -> None:
    for files in kept.values():
        files.close()
