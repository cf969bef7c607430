"""Reads one control group, in whichever version the machine has."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from pathlib import Path

from collectors.containers import legacy, unified
from collectors.containers.block_devices import BlockDevices
from collectors.containers.layout import UNIFIED, Layout
from collectors.containers.reading import Files, Reading


class Reader:
    """Reads the control groups of one layout, on the machine whose files are under `root`."""

    def __init__(self, layout: Layout, root: Path) -> None:
        self._layout = layout
        self._devices = BlockDevices(root)

    def read(self, path: str) -> Reading:
        """What a control group says; nothing if it is gone."""
        with ExitStack() as opened:
            trees = {}
            for name, top in self._layout.trees.items():
                with suppress(OSError):
                    trees[name] = opened.enter_context(Files(top + path))
            if UNIFIED in trees:
                return unified.read(trees[UNIFIED], self._devices.name)
            return legacy.read(trees, self._devices.name)
