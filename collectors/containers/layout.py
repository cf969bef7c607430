"""The mount points of this machine's control groups, their version, and the controllers they lack."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from collectors.kernel_files import read_text
from collectors.mounts import unescaped

UNIFIED = "unified"
CONTROLLERS = frozenset({"memory", "cpu", "cpuacct", "blkio", "pids"})
"""The controllers of version 1 that are read."""

_DECISIVE = frozenset({"memory", "cpuacct"})
"""Controllers of version 1 of which one makes a machine with both versions one of version 1."""

_NEEDED = {UNIFIED: ("cpu", "memory", "io", "pids"), "": ("cpuacct", "memory", "blkio", "pids")}


@dataclass(frozen=True, slots=True)
class Layout:
    """The trees of control groups.

    Attributes:
        trees: The mount point of each tree: that of version 2 under the name `unified`, or those of version 1 by their
            controllers, of which several may share one.
    """

    trees: Mapping[str, str]

    @property
    def tops(self) -> tuple[str, ...]:
        """The mount point of each tree, once."""
        return tuple(dict.fromkeys(self.trees.values()))

    def directory(self, path: str) -> str:
        """Return the directory of a control group, in the last tree that has it."""
        directories = [top + path for top in self.tops]
        return next(filter(os.path.isdir, reversed(directories)), directories[-1])

    def missing_controllers(self) -> tuple[str, ...]:
        """Return the controllers that are needed and that no tree has."""
        if UNIFIED not in self.trees:
            return tuple(controller for controller in _NEEDED[""] if controller not in self.trees)
        try:
            present = read_text(f"{self.trees[UNIFIED]}/cgroup.controllers").split()
        except OSError:
            return ()
        return tuple(controller for controller in _NEEDED[UNIFIED] if controller not in present)

    def undelegated(self, path: str) -> tuple[str, ...]:
        """Return the controllers that the kernel has and that are not enabled for a control group of version 2."""
        if UNIFIED not in self.trees:
            return ()
        top = self.trees[UNIFIED]
        try:
            offered = read_text(f"{top}/cgroup.controllers").split()
            enabled = read_text(f"{top}{path}/cgroup.controllers").split()
        except OSError:
            return ()
        return tuple(
            controller for controller in _NEEDED[UNIFIED] if controller in offered and controller not in enabled
        )


class _Tree(NamedTuple):
    """One mount of control groups. `root` is the group that the mount shows as its top."""

    root: str
    mount_point: str
    version: str
    controllers: frozenset[str]


def parse(mountinfo: str) -> dict[str, str]:
    """Return the mount point of each tree, from /proc/self/mountinfo (proc_pid_mountinfo(5)).

    A tree may be mounted several times. The mount of the whole tree is used, not that of a container's part of it.
    Version 1 takes precedence where both are mounted and it has the controllers, each of which is in one tree only.
    """
    mounts = sorted(_trees(mountinfo), key=lambda tree: tree.root != "/")
    legacy: dict[str, str] = {}
    unified: dict[str, str] = {}
    for tree in mounts:
        if tree.version == "cgroup2":
            unified.setdefault(UNIFIED, tree.mount_point)
        for controller in tree.controllers:
            legacy.setdefault(controller, tree.mount_point)
    return legacy if not unified or _DECISIVE & legacy.keys() else unified


def find(root: Path) -> Layout | None:
    """Return the layout of the machine whose files are under `root`; None if it has no control groups."""
    try:
        trees = parse(read_text(root / "proc/self/mountinfo"))
    except FileNotFoundError:
        return None
    prefix = str(root).rstrip("/")
    return Layout({name: prefix + mount_point for name, mount_point in trees.items()}) if trees else None


def _trees(mountinfo: str) -> Iterable[_Tree]:
    for line in mountinfo.splitlines():
        mount, _, file_system = line.partition(" - ")
        version, *rest = file_system.split(" ")
        if version in ("cgroup", "cgroup2"):
            root, mount_point = mount.split(" ")[3:5]
            options = rest[-1].split(",") if version == "cgroup" else ()
            yield _Tree(unescaped(root), unescaped(mount_point), version, CONTROLLERS & frozenset(options))
