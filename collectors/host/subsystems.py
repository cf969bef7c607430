"""What is read on each platform: one list each. A new subsystem is a module and a line here."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from collectors.host import (
    diskstats,
    filefd,
    filesystem,
    loadavg,
    macos,
    meminfo,
    netclass,
    netdev,
    stat,
    time,
    uname,
)
from collectors.host.cpu import Cpu
from collectors.host.filesystem import Measured
from collectors.host.meminfo import Memory
from collectors.metrics import Family


@dataclass(frozen=True, slots=True)
class Subsystem:
    """One source of families.

    Attributes:
        name: The value of the `collector` label, as node_exporter has it.
        families: Reads the source. Raises FileNotFoundError where this machine has no such thing, and anything
            else where it has but it cannot be read.
    """

    name: str
    families: Callable[[], Sequence[Family]]


@dataclass(frozen=True, slots=True)
class Platform:
    """One operating system: what to export, and what the checks look at."""

    subsystems: tuple[Subsystem, ...]
    file_systems: Callable[[], Measured]
    memory: Callable[[], Memory]


def linux(root: Path) -> Platform:
    """Linux, with /proc, /sys, /run and the mount points under `root`."""
    return Platform(
        subsystems=(
            Subsystem("cpu", Cpu(root).families),
            Subsystem("diskstats", partial(diskstats.families, root)),
            Subsystem("filefd", partial(filefd.families, root)),
            Subsystem("filesystem", partial(filesystem.families, root)),
            Subsystem("loadavg", partial(loadavg.families, root)),
            Subsystem("meminfo", partial(meminfo.families, root)),
            Subsystem("netclass", partial(netclass.families, root)),
            Subsystem("netdev", partial(netdev.families, root)),
            Subsystem("stat", partial(stat.families, root)),
            Subsystem("time", partial(time.families, root)),
            Subsystem("uname", partial(uname.families, root)),
        ),
        file_systems=partial(filesystem.measured, root),
        memory=partial(meminfo.memory, root),
    )


def darwin() -> Platform:
    """The list for macOS, which was not run on a Mac, see `macos`."""
    return Platform(
        subsystems=(
            Subsystem("boottime", macos.boot_time_families),
            Subsystem("cpu", macos.cpu_families),
            Subsystem("diskstats", macos.disk_families),
            Subsystem("filesystem", macos.filesystem_families),
            Subsystem("loadavg", lambda: loadavg.average_families(os.getloadavg())),
            Subsystem("meminfo", macos.memory_families),
            Subsystem("netdev", macos.network_families),
            Subsystem("time", time.clock_families),
            Subsystem("uname", uname.bsd_families),
        ),
        file_systems=macos.measured,
        memory=macos.memory,
    )


def this_platform() -> Platform:
    """The operating system that this runs on."""
    return darwin() if sys.platform == "darwin" else linux(Path("/"))
