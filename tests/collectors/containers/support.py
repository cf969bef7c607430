"""The tools of the tests of containers: a machine of files with control groups of version 2, and its families."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from collectors.containers.cgroup_reading import CgroupReading
from collectors.metrics import Family, LabelValues

WEB = "a" * 64
DATABASE = "b" * 64

MOUNTINFO = "35 24 0:30 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"

DISKS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
23 22 8:1 /snap /snap ro,relatime - ext4 /dev/sda1 rw
24 22 0:51 / /mnt rw,relatime - nfs nas:/x rw
25 22 8:17 / /media/stick rw,relatime - fuseblk /dev/sdb1 rw
"""

# As Linux 6.1 writes them; numbers are made up so that none is there twice.
GROUP = {
    "cgroup.procs": "",
    "cpu.max": "50000 100000\n",
    "cpu.weight": "100\n",
    "cpu.stat": (
        "usage_usec 3000000\nuser_usec 2000000\nsystem_usec 1000000\ncore_sched.force_idle_usec 0\n"
        "nr_periods 7\nnr_throttled 5\nthrottled_usec 250000\nnr_bursts 25\nburst_usec 500000\n"
    ),
    "cpu.pressure": "some avg10=0.00 avg60=0.00 avg300=0.00 total=1500000\n"
    "full avg10=0.00 avg60=0.00 avg300=0.00 total=500000\n",
    "io.pressure": "some avg10=0.00 avg60=0.00 avg300=0.00 total=2500000\n"
    "full avg10=0.00 avg60=0.00 avg300=0.00 total=750000\n",
    "io.stat": "8:0 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=16384 dios=3\n",
    "memory.current": "1000000\n",
    "memory.events": "low 0\nhigh 6\nmax 11\noom 3\noom_kill 2\noom_group_kill 0\n",
    "memory.max": "2000000\n",
    "memory.min": "12000\n",
    "memory.peak": "1500000\n",
    "memory.pressure": "some avg10=0.00 avg60=0.00 avg300=0.00 total=3500000\n"
    "full avg10=0.00 avg60=0.00 avg300=0.00 total=1250000\n",
    "memory.stat": (
        "anon 600000\nfile 300000\nkernel 70000\nkernel_stack 16384\npercpu 0\nsock 0\nshmem 0\nfile_mapped 50000\n"
        "file_dirty 81\nfile_writeback 82\ninactive_anon 0\nactive_anon 0\ninactive_file 200000\nactive_file 90000\n"
        "workingset_refault_anon 83\nworkingset_refault_file 84\npgscan 85\npgsteal 86\npgfault 123\npgmajfault 4\n"
    ),
    "memory.swap.current": "30000\n",
    "memory.swap.max": "max\n",
    "pids.current": "9\n",
    "pids.max": "max\n",
}

# The numbers of a group like `GROUP`, in either version.
SAME_IN_BOTH_VERSIONS: CgroupReading = {
    ("container_cpu_usage_seconds_total", "total"): 3,
    ("container_cpu_user_seconds_total",): 2,
    ("container_cpu_system_seconds_total",): 1,
    ("container_cpu_cfs_periods_total",): 7,
    ("container_cpu_cfs_throttled_periods_total",): 5,
    ("container_cpu_cfs_throttled_seconds_total",): 0.25,
    ("container_cpu_cfs_burst_periods_total",): 25,
    ("container_cpu_cfs_burst_seconds_total",): 0.5,
    ("container_spec_cpu_period",): 100_000,
    ("container_spec_cpu_quota",): 50_000,
    ("container_memory_usage_bytes",): 1_000_000,
    ("container_memory_working_set_bytes",): 800_000,
    ("container_memory_max_usage_bytes",): 1_500_000,
    ("container_memory_rss",): 600_000,
    ("container_memory_cache",): 300_000,
    ("container_memory_swap",): 30_000,
    ("container_memory_mapped_file",): 50_000,
    ("container_memory_kernel_usage",): 70_000,
    ("container_memory_total_active_file_bytes",): 90_000,
    ("container_memory_total_inactive_file_bytes",): 200_000,
    ("container_memory_failcnt",): 11,
    ("container_oom_events_total",): 2,
    ("container_spec_memory_limit_bytes",): 2_000_000,
    ("container_spec_memory_swap_limit_bytes",): 0,
    ("container_fs_reads_bytes_total", "/dev/sda"): 4096,
    ("container_fs_writes_bytes_total", "/dev/sda"): 8192,
    ("container_fs_reads_total", "/dev/sda"): 1,
    ("container_fs_writes_total", "/dev/sda"): 2,
    ("container_blkio_device_usage_total", "/dev/sda", "8", "0", "Read"): 4096,
    ("container_blkio_device_usage_total", "/dev/sda", "8", "0", "Write"): 8192,
    ("container_threads",): 9,
    ("container_threads_max",): 0,
}


def write(root: Path, files: Mapping[str, str]) -> None:
    """Write files by their paths below a root."""
    for path, content in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content)


def write_group(root: Path, path: str, changes: Mapping[str, str] | None = None) -> None:
    """Make a control group of version 2 at `path`, which begins with a slash."""
    files = GROUP | dict(changes or {})
    write(root, {f"sys/fs/cgroup{path}/{name}": content for name, content in files.items()})


def write_machine(root: Path) -> None:
    """Write a machine without control groups: a disk, memory, two processors, and a first process."""
    write(
        root,
        {
            "etc/machine-id": "0123456789abcdef0123456789abcdef\n",
            "proc/meminfo": "MemTotal: 8000 kB\nMemAvailable: 4000 kB\nSwapTotal: 2000 kB\n",
            "proc/self/mountinfo": MOUNTINFO + DISKS,
            "proc/diskstats": "   8       0 sda 9 9 9 9 9 9 9 9 9 9 9\n"
            "   8       1 sda1 11 12 13 14 15 16 17 18 19 20 21 0 0 0 0\n",
            "proc/stat": "cpu  1 2 3\nbtime 1700000000\n",
            "sys/dev/block/8:0/uevent": "MAJOR=8\nMINOR=0\nDEVNAME=sda\nDEVTYPE=disk\n",
            "sys/devices/system/cpu/cpu0/topology/physical_package_id": "0\n",
            "sys/devices/system/cpu/cpu0/topology/core_id": "0\n",
            "sys/devices/system/cpu/cpu1/topology/physical_package_id": "0\n",
            "sys/devices/system/cpu/cpu1/topology/core_id": "0\n",
        },
    )
    write_process(root, "1", {"eth0": 5})
    write(
        root,
        {
            "sys/fs/cgroup/cpu.stat": "usage_usec 9000000\nuser_usec 6000000\nsystem_usec 3000000\n",
            "sys/fs/cgroup/memory.stat": "anon 500\nfile 400\ninactive_file 300\n",
        },
    )


def write_process(root: Path, pid: str, traffic: Mapping[str, int], ticks_after_boot: int = 0) -> None:
    """Write a process in a network namespace of its own, with bytes received on each interface."""
    rows = "".join(f"  {interface}: {count} 2 3 4 0 0 0 0 9 10 11 12 0 0 0 0\n" for interface, count in traffic.items())
    after_name = " ".join(["S", *["0"] * 18, str(ticks_after_boot), "0"])
    write(
        root,
        {
            f"proc/{pid}/net/dev": f"Inter-| Receive | Transmit\n face |bytes |bytes\n{rows}",
            f"proc/{pid}/stat": f"{pid} (a program) 1) {after_name}\n",
        },
    )


def share_network(root: Path, pid: str, owner: str) -> None:
    """Put a process into the network namespace of another one: the kernel shows them the same file."""
    (root / f"proc/{pid}/net/dev").unlink()
    (root / f"proc/{pid}/net/dev").hardlink_to(root / f"proc/{owner}/net/dev")


def samples_of(families: Iterable[Family], name: str) -> dict[LabelValues, float]:
    """Return the samples of the only family of a name; fail if there is none or a second one."""
    (family,) = [family for family in families if family.name == name]
    return {labels: value for labels, value in family.samples.items() if isinstance(value, int | float)}
