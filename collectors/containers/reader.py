"""The reader of one control group, of version 1 or 2."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from collectors.containers import cgroup_v1, cgroup_v2
from collectors.containers.block_devices import BlockDevices
from collectors.containers.cgroup_reading import CgroupReading, Files
from collectors.containers.layout import UNIFIED, Layout


class Reader:
    """The reader of the control groups of one layout, on the machine whose files are under `root`.

    Attributes:
        unreadable: The number of directories of this scrape that exist and could not be read or parsed.
    """

    def __init__(self, layout: Layout, root: Path) -> None:
        self._layout = layout
        self._devices = BlockDevices(root)
        self.unreadable = 0

    def begin(self) -> None:
        """Begin a scrape: names of devices are looked up again, and `unreadable` is zero."""
        self._devices.forget()
        self.unreadable = 0

    def read(self, path: str) -> CgroupReading:
        """Return the numbers of a control group; none if it is gone."""
        with ExitStack() as opened:
            trees = {}
            for name, top in self._layout.trees.items():
                try:
                    trees[name] = opened.enter_context(Files(top + path))
                except FileNotFoundError:
                    continue
                except OSError:
                    self.unreadable += 1
            try:
                if UNIFIED in trees:
                    return cgroup_v2.read(trees[UNIFIED], self._devices.name)
                return cgroup_v1.read(trees, self._devices.name)
            except (ValueError, IndexError):  # a file of another form costs its own group
                self.unreadable += 1
                return {}
