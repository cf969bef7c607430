"""The settings of the host collector."""

from __future__ import annotations

from typing import Literal

import msgspec

from collectors.host.filters import Filter

SubsystemName = Literal[
    "arp",
    "audio_servers",
    "bcache",
    "bonding",
    "boottime",
    "busy_processes",
    "btrfs",
    "conntrack",
    "cpu",
    "cpufreq",
    "diskstats",
    "dmi",
    "edac",
    "entropy",
    "fibrechannel",
    "filefd",
    "filesystem",
    "hwmon",
    "infiniband",
    "interrupts",
    "ipvs",
    "kernel_hung",
    "loadavg",
    "mdadm",
    "meminfo",
    "netclass",
    "netdev",
    "netstat",
    "nfs",
    "nfsd",
    "nvme",
    "os",
    "powersupplyclass",
    "pressure",
    "process",
    "rapl",
    "realtime",
    "scaling_governor",
    "schedstat",
    "selinux",
    "sockstat",
    "softirqs",
    "softnet",
    "stat",
    "tapestats",
    "textfile",
    "thermal",
    "thermal_zone",
    "throttling",
    "time",
    "timex",
    "udp_queues",
    "uname",
    "vmstat",
    "xfs",
    "zfs",
]
"""Every part of the host on any platform, by node_exporter's names of its collectors."""


class HostConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The `[host]` section. The default expressions are those of node_exporter 1.12.

    Attributes:
        enabled: Whether this machine itself is measured.
        exclude: Parts that are not measured.
        network_devices: The network interfaces whose state, traffic and neighbours are exported.
        block_devices: The disks whose activity and description are exported.
        mount_points: The file systems whose space is exported, by mount point.
        file_system_types: The same, by type.
        textfile_directory: The directory of other programs' `*.prom` files; "" is Debian's directory, if it exists.
    """

    enabled: bool = True
    exclude: tuple[SubsystemName, ...] = ("busy_processes",)
    network_devices: Filter = Filter()
    block_devices: Filter = Filter(exclude=r"^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$")
    mount_points: Filter = Filter(
        exclude=r"^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)"
    )
    file_system_types: Filter = Filter(
        exclude=(
            r"^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|iso9660|mqueue|nsfs"
            r"|overlay|proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|erofs|sysfs|tracefs)$"
        )
    )
    textfile_directory: str = ""
