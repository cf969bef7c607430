"""The machine that containers run on, under cAdvisor's names: its size, its limits and its disk space."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from collectors.containers.cgroup_reading import MEMORY_LIMIT, SWAP_LIMIT, CgroupReading
from collectors.host import meminfo
from collectors.kernel_files import read_attribute, read_bytes, read_text
from collectors.metrics import Family, gauge
from collectors.mounts import Mount, parse_mounts, space

# File systems on a local disk, where statvfs does not block on a network.
_DISK_TYPES = frozenset({"btrfs", "ext2", "ext3", "ext4", "f2fs", "vfat", "xfs"})


class Machine:
    """The machine whose files are under `root`. Its identity and its processors are read once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._identity = (
            read_attribute(root / "etc/machine-id") or "",
            read_attribute(root / "sys/class/dmi/id/product_uuid") or "",
            read_attribute(root / "proc/sys/kernel/random/boot_id") or "",
        )
        self._cores = tuple(_cores(root / "sys/devices/system/cpu"))

    def families(self) -> list[Family]:
        """Return the `machine_…` families of cAdvisor."""
        memory = self._memory()
        return [
            self._gauge("machine_cpu_cores", "Number of logical CPU cores.", len(self._cores)),
            self._gauge("machine_cpu_physical_cores", "Number of physical CPU cores.", len(set(self._cores))),
            self._gauge("machine_cpu_sockets", "Number of CPU sockets.", len({package for package, _ in self._cores})),
            self._gauge("machine_memory_bytes", "Amount of memory installed on the machine.", memory["MemTotal_bytes"]),
            self._gauge(
                "machine_swap_bytes",
                "Amount of swap memory available on the machine.",
                memory["SwapTotal_bytes"],
            ),
        ]

    def reading(self) -> CgroupReading:
        """Return the numbers that the root control group lacks: its limits are the machine's size, and its disks."""
        memory = self._memory()
        reading: CgroupReading = {MEMORY_LIMIT: memory["MemTotal_bytes"], SWAP_LIMIT: memory["SwapTotal_bytes"]}
        for mount in self._disks():
            found = space(self._root / mount.path.removeprefix("/"))
            if found is not None:
                reading |= {
                    ("container_fs_limit_bytes", mount.device): found.size,
                    ("container_fs_usage_bytes", mount.device): found.size - found.free,
                    ("container_fs_inodes_total", mount.device): found.files,
                    ("container_fs_inodes_free", mount.device): found.files_free,
                }
        return reading

    def _gauge(self, name: str, help_: str, value: float) -> Family:
        return gauge(name, help_, {self._identity: value}, ("machine_id", "system_uuid", "boot_id"))

    def _memory(self) -> dict[str, int]:
        return meminfo.parse(read_text(self._root / "proc/meminfo"))

    def _disks(self) -> Iterator[Mount]:
        """Return one mount of each device."""
        mounts = parse_mounts(read_bytes(self._root / "proc/self/mounts"))
        devices = {mount.device: mount for mount in reversed(mounts)}
        return (mount for mount in devices.values() if mount.type in _DISK_TYPES and mount.device.startswith("/dev/"))


def _cores(directory: Path) -> Iterator[tuple[str, str]]:
    """Yield the package and core of each online processor."""
    for processor in directory.glob("cpu[0-9]*"):
        package = read_attribute(processor / "topology/physical_package_id")
        core = read_attribute(processor / "topology/core_id")
        if package is not None and core is not None:
            yield package, core
