"""The mount points of this machine's control groups, and their version."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from collectors.kernel_files import read_text

UNIFIED = "unified"
CONTROLLERS = frozenset({"memory", "cpu", "cpuacct", "blkio", "pids"})
"""The controllers of v1 that are read."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The trees of control groups.

    Attributes:
        trees: The mount point of each tree: that of v2 under the name `unified`, or those of v1 by their controllers,
            of which several may share one.
    """

    trees: Mapping[str, str]

    @property
    def is_unified(self) -> bool:
        """True for version 2."""
        return UNIFIED in self.trees

    @property
    def tops(self) -> tuple[str, ...]:
        """The mount point of each tree, once."""
        return tuple(dict.fromkeys(self.trees.values()))

    def directory(self, path: str) -> str:
        """Return the directory of a control group, in the last tree that has it."""
        directories = [top + path for top in self.tops]
        return next(filter(os.path.isdir, reversed(directories)), directories[-1])


def parse(mountinfo: str) -> dict[str, str]:
    """Return the mount point of each tree, from /proc/self/mountinfo (proc_pid_mountinfo(5)).

    Version 1 takes precedence where both are mounted: it then has the controllers, each of which is in one tree only.
    """
    legacy: dict[str, str] = {}
    unified: dict[str, str] = {}
    for line in mountinfo.splitlines():
        mount, _, rest = line.partition(" - ")
        type_, _, options = rest.split(" ", 2)
        mount_point = mount.split(" ")[4]
        if type_ == "cgroup2":
            unified.setdefault(UNIFIED, mount_point)
        elif type_ == "cgroup":
            legacy |= dict.fromkeys(CONTROLLERS & set(options.split(",")), mount_point)
    return legacy or unified


def find(root: Path) -> Layout | None:
    """Return the layout of the machine whose files are under `root`; None if it has no control groups."""
    try:
        trees = parse(read_text(root / "proc/self/mountinfo"))
    except FileNotFoundError:
        return None
    prefix = str(root).rstrip("/")
    return Layout({name: prefix + mount_point for name, mount_point in trees.items()}) if trees else None
