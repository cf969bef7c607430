"""The list of subsystems of each platform. A new subsystem is a module, a line here and its name in `config`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from collectors.findings import Check
from collectors.host import (
    arp,
    bcache,
    bonding,
    btrfs,
    conntrack,
    cpufreq,
    diskstats,
    edac,
    entropy,
    fibrechannel,
    filefd,
    hwmon,
    infiniband,
    interrupts,
    ipvs,
    kernel_hung,
    loadavg,
    macos,
    macos_commands,
    mdadm,
    meminfo,
    netdev,
    netstat,
    nfs,
    nfsd,
    nvme,
    powersupplyclass,
    pressure,
    rapl,
    realtime,
    scaling_governor,
    schedstat,
    selinux,
    sockstat,
    softirqs,
    softnet,
    stat,
    tapestats,
    thermal_zone,
    time,
    udp_queues,
    uname,
    vmstat,
    xfs,
    zfs,
)
from collectors.host.audio_checks import audio_checks
from collectors.host.audio_servers import AudioServers
from collectors.host.busy_processes import BusyProcesses
from collectors.host.config import HostConfig
from collectors.host.cpu import Cpu
from collectors.host.dmi import Dmi
from collectors.host.filesystem import FileSystems, Measured
from collectors.host.meminfo import Memory
from collectors.host.netclass import NetClass
from collectors.host.os_release import OsRelease
from collectors.host.process import OwnProcess
from collectors.host.throttling import Throttling
from collectors.host.timex import Timex
from collectors.metrics import Family
from collectors.mounts import linux_mounts


@dataclass(frozen=True, slots=True)
class Subsystem:
    """One source of families.

    Attributes:
        name: The value of the `collector` label, as node_exporter has it; one of `config.SubsystemName`.
        families: Reads the source. Raises FileNotFoundError if this machine has no such source, and any other error if
            it cannot be read.
    """

    name: str
    families: Callable[[], Sequence[Family]]


@dataclass(frozen=True, slots=True)
class Platform:
    """One operating system: its subsystems, and the sources of its checks."""

    subsystems: tuple[Subsystem, ...]
    file_systems: Callable[[], Measured]
    memory: Callable[[], Memory]
    checks: tuple[Check, ...] = ()


def linux(root: Path, config: HostConfig) -> Platform:
    """Return the platform Linux, with /proc, /sys, /run, /etc and the mount points under `root`."""
    file_systems = FileSystems(partial(linux_mounts, root), config, root)
    return Platform(
        subsystems=(
            Subsystem("arp", partial(arp.families, root, config.network_devices)),
            Subsystem("audio_servers", AudioServers(root).families),
            Subsystem("bcache", partial(bcache.families, root)),
            Subsystem("bonding", partial(bonding.families, root)),
            Subsystem("btrfs", partial(btrfs.families, root)),
            Subsystem("busy_processes", BusyProcesses(root).families),
            Subsystem("conntrack", partial(conntrack.families, root)),
            Subsystem("cpu", Cpu(root).families),
            Subsystem("cpufreq", partial(cpufreq.families, root)),
            Subsystem("diskstats", partial(diskstats.families, root, config.block_devices)),
            Subsystem("dmi", Dmi(root).families),
            Subsystem("edac", partial(edac.families, root)),
            Subsystem("entropy", partial(entropy.families, root)),
            Subsystem("fibrechannel", partial(fibrechannel.families, root)),
            Subsystem("filefd", partial(filefd.families, root)),
            Subsystem("filesystem", file_systems.families),
            Subsystem("hwmon", partial(hwmon.families, root)),
            Subsystem("infiniband", partial(infiniband.families, root)),
            Subsystem("interrupts", partial(interrupts.families, root)),
            Subsystem("ipvs", partial(ipvs.families, root)),
            Subsystem("kernel_hung", partial(kernel_hung.families, root)),
            Subsystem("loadavg", partial(loadavg.families, root)),
            Subsystem("mdadm", partial(mdadm.families, root)),
            Subsystem("meminfo", partial(meminfo.families, root)),
            Subsystem("netclass", NetClass(root, config.network_devices).families),
            Subsystem("netdev", partial(netdev.families, root, config.network_devices)),
            Subsystem("netstat", partial(netstat.families, root)),
            Subsystem("nfs", partial(nfs.families, root)),
            Subsystem("nfsd", partial(nfsd.families, root)),
            Subsystem("nvme", partial(nvme.families, root)),
            Subsystem("os", OsRelease(root).families),
            Subsystem("powersupplyclass", partial(powersupplyclass.families, root)),
            Subsystem("pressure", partial(pressure.families, root)),
            Subsystem("process", OwnProcess(root).families),
            Subsystem("rapl", partial(rapl.families, root)),
            Subsystem("realtime", partial(realtime.families, root)),
            Subsystem("scaling_governor", partial(scaling_governor.families, root)),
            Subsystem("schedstat", partial(schedstat.families, root)),
            Subsystem("selinux", partial(selinux.families, root)),
            Subsystem("sockstat", partial(sockstat.families, root)),
            Subsystem("softirqs", partial(softirqs.families, root)),
            Subsystem("softnet", partial(softnet.families, root)),
            Subsystem("stat", partial(stat.families, root)),
            Subsystem("tapestats", partial(tapestats.families, root)),
            Subsystem("thermal_zone", partial(thermal_zone.families, root)),
            Subsystem("throttling", Throttling(root).families),
            Subsystem("time", partial(time.families, root)),
            Subsystem("timex", Timex().families),
            Subsystem("udp_queues", partial(udp_queues.families, root)),
            Subsystem("uname", partial(uname.families, root)),
            Subsystem("vmstat", partial(vmstat.families, root)),
            Subsystem("xfs", partial(xfs.families, root)),
            Subsystem("zfs", partial(zfs.families, root)),
        ),
        file_systems=file_systems.measured,
        memory=partial(meminfo.memory, root),
        checks=audio_checks(root),
    )


def darwin(config: HostConfig) -> Platform:
    """Return the platform macOS, which was never run on a Mac, see `macos`."""
    file_systems = FileSystems(macos.mounts, config, Path("/"))
    return Platform(
        subsystems=(
            Subsystem("boottime", macos.boot_time_families),
            Subsystem("cpu", macos.cpu_families),
            Subsystem("diskstats", partial(macos.disk_families, config.block_devices)),
            Subsystem("filesystem", file_systems.families),
            Subsystem("loadavg", lambda: loadavg.average_families(os.getloadavg())),
            Subsystem("meminfo", macos.memory_families),
            Subsystem("netdev", partial(macos.network_families, config.network_devices)),
            Subsystem("powersupplyclass", macos_commands.power_families),
            Subsystem("thermal", macos_commands.thermal_families),
            Subsystem("time", time.clock_families),
            Subsystem("uname", uname.bsd_families),
        ),
        file_systems=file_systems.measured,
        memory=macos.memory,
    )


def this_platform(config: HostConfig) -> Platform:
    """Return the platform of this process."""
    return darwin(config) if sys.platform == "darwin" else linux(Path("/"), config)
