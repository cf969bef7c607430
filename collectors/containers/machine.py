"""The machine that containers run on, under cAdvisor's names: its size, its limits and its disks."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from collectors.containers.cgroup_reading import MEMORY_LIMIT, SWAP_LIMIT, CgroupReading
from collectors.host import diskstats, meminfo
from collectors.kernel_files import numbered, read_attribute, read_text
from collectors.metrics import Family, gauge
from collectors.mounts import Mount, linux_mounts, printable, space, visible

# File systems on a local disk, where statvfs does not block on a network.
_DISK_TYPES = frozenset({"btrfs", "ext2", "ext3", "ext4", "f2fs", "vfat", "xfs"})

# cAdvisor's families of a disk by the column of /proc/diskstats (the kernel's iostats.rst), and their unit.
_DISK_COLUMNS = (
    ("container_fs_reads_total", 0, 1),
    ("container_fs_reads_merged_total", 1, 1),
    ("container_fs_sector_reads_total", 2, 1),
    ("container_fs_read_seconds_total", 3, 0.001),
    ("container_fs_writes_total", 4, 1),
    ("container_fs_writes_merged_total", 5, 1),
    ("container_fs_sector_writes_total", 6, 1),
    ("container_fs_write_seconds_total", 7, 0.001),
    ("container_fs_io_current", 8, 1),
    ("container_fs_io_time_seconds_total", 9, 0.001),
    ("container_fs_io_time_weighted_seconds_total", 10, 0.001),
)

_DiskKey = str | tuple[int, int] | None

_Processor = tuple[str, str, str, str]
"""A processor's drawer, book, package, and the list of processors of its core."""


class Machine:
    """The machine whose files are under `root`. Its identity and its processors are read once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._identity = (
            read_attribute(root / "etc/machine-id") or "",
            read_attribute(root / "sys/class/dmi/id/product_uuid") or "",
            read_attribute(root / "proc/sys/kernel/random/boot_id") or "",
        )
        self._processors = tuple(_processors(root / "sys/devices/system/cpu"))

    def families(self) -> list[Family]:
        """Return the `machine_…` families of cAdvisor; those of processors only where the kernel knows these."""
        memory = self._memory()
        return [
            *(self._of_processors() if self._processors else ()),
            self._gauge("machine_memory_bytes", "Amount of memory installed on the machine.", memory["MemTotal_bytes"]),
            self._gauge(
                "machine_swap_bytes",
                "Amount of swap memory available on the machine.",
                memory["SwapTotal_bytes"],
            ),
            gauge("machine_scrape_error", "1 if there was an error while getting machine metrics, 0 otherwise.", 0),
        ]

    def _of_processors(self) -> list[Family]:
        drawers, books, packages, cores = ({row[column] for row in self._processors} for column in range(4))
        return [
            self._gauge("machine_cpu_cores", "Number of logical CPU cores.", len(self._processors)),
            self._gauge("machine_cpu_physical_cores", "Number of physical CPU cores.", len(cores)),
            self._gauge("machine_cpu_sockets", "Number of CPU sockets.", len(packages)),
            self._gauge("machine_cpu_books", "Number of CPU books.", len(books - {""})),
            self._gauge("machine_cpu_drawers", "Number of CPU drawers.", len(drawers - {""})),
        ]

    def reading(self) -> CgroupReading:
        """Return the numbers that the root control group lacks: its limits are the machine's size, and its disks."""
        memory = self._memory()
        reading: CgroupReading = {MEMORY_LIMIT: memory["MemTotal_bytes"], SWAP_LIMIT: memory["SwapTotal_bytes"]}
        counts = self._disk_counts()
        for mount in self._disks():
            device = printable(mount.device)
            with contextlib.suppress(OSError):
                reading |= _space(device, self._root / mount.path.removeprefix("/"))
            numbers = counts.get(mount.number) or counts.get(self._kernel_name(mount.device)) or ()
            for name, column, unit in _DISK_COLUMNS:
                if column < len(numbers):
                    reading[name, device] = numbers[column] * unit
        return reading

    def _gauge(self, name: str, help_: str, value: float) -> Family:
        return gauge(name, help_, {self._identity: value}, ("machine_id", "system_uuid", "boot_id"))

    def _memory(self) -> dict[str, int]:
        return meminfo.parse(read_text(self._root / "proc/meminfo"))

    def _disks(self) -> list[Mount]:
        """Return the first visible mount of each device; several mounts may show the same one."""
        try:
            mounts = visible(linux_mounts(self._root))
        except OSError:
            return []
        disks = (mount for mount in mounts if mount.type in _DISK_TYPES and mount.device.startswith("/dev/"))
        return list({mount.device: mount for mount in reversed(list(disks))}.values())

    def _disk_counts(self) -> dict[_DiskKey, tuple[int, ...]]:
        """Return the counts of each disk by its numbers, and by the kernel's name.

        A mount's device may be `/dev/root`, which does not exist. The numbers of a btrfs mount are not its disk's.
        """
        try:
            disks = diskstats.parse(read_text(self._root / "proc/diskstats"))
        except OSError:
            return {}
        by_name: dict[_DiskKey, tuple[int, ...]] = {disk.device: disk.counts for disk in disks}
        return by_name | {(int(disk.major), int(disk.minor)): disk.counts for disk in disks}

    def _kernel_name(self, device: str) -> str:
        """Return the kernel's name of a device: `dm-0` for `/dev/mapper/studio-root`, which is a link to it."""
        return (self._root / device.removeprefix("/")).resolve().name


def _space(device: str, path: Path) -> CgroupReading:
    found = space(path)
    return {
        ("container_fs_limit_bytes", device): found.size,
        ("container_fs_usage_bytes", device): found.size - found.free,
        ("container_fs_inodes_total", device): found.files,
        ("container_fs_inodes_free", device): found.files_free,
    }


def _processors(directory: Path) -> Iterator[_Processor]:
    """Yield each online processor.

    The number of a core is unique only within its package or die, so a core is known by the processors that share it.
    """
    for number, processor in numbered(directory, "cpu").items():
        topology = processor / "topology"
        package = read_attribute(topology / "physical_package_id")
        if package is None:
            continue
        siblings = read_attribute(topology / "core_cpus_list") or read_attribute(topology / "thread_siblings_list")
        core = siblings or f"{package}.{read_attribute(topology / 'core_id') or number}"
        yield read_attribute(topology / "drawer_id") or "", read_attribute(topology / "book_id") or "", package, core
