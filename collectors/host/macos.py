"""What only macOS's list of subsystems has: psutil's numbers under the names of node_exporter for macOS.

Written from the sources of psutil and node_exporter; never run on a Mac. What psutil has not, or not as
node_exporter counts it, is left out: free memory (psutil takes the speculative pages off it), compressed, internal
and purgeable memory, disk retries and errors, multicast and collisions.
"""

from __future__ import annotations

import re

from collectors.host.filesystem import Measured, Mount, space, space_families
from collectors.host.meminfo import Memory
from collectors.host.netdev import statistic
from collectors.metrics import Family, LabelValues, MetricType, counter, gauge

_EXCLUDED_MOUNT_POINT = re.compile(r"^/(dev)($|/)")
_EXCLUDED_TYPE = re.compile(r"^devfs$")
_MILLISECOND = 0.001

# By psutil's field: the name, then the unit or type and the help where they differ.
_MEMORY = (
    ("total", "total_bytes"),
    ("active", "active_bytes"),
    ("inactive", "inactive_bytes"),
    ("wired", "wired_bytes"),
)
_SWAP: tuple[tuple[str, str, MetricType], ...] = (
    ("total", "swap_total_bytes", "gauge"),
    ("used", "swap_used_bytes", "gauge"),
    ("sin", "swapped_in_bytes_total", "counter"),
    ("sout", "swapped_out_bytes_total", "counter"),
)
_DISK = (
    ("read_count", "reads_completed_total", 1, "The total number of reads completed successfully."),
    ("read_bytes", "read_bytes_total", 1, "The total number of bytes read successfully."),
    ("read_time", "read_time_seconds_total", _MILLISECOND, "The total number of seconds spent by all reads."),
    ("write_count", "writes_completed_total", 1, "The total number of writes completed successfully."),
    ("write_bytes", "written_bytes_total", 1, "The total number of bytes written successfully."),
    (
        "write_time",
        "write_time_seconds_total",
        _MILLISECOND,
        "This is the total number of seconds spent by all writes.",
    ),
)
_NETWORK = (
    ("bytes_recv", "receive_bytes"),
    ("packets_recv", "receive_packets"),
    ("errin", "receive_errs"),
    ("dropin", "receive_drop"),
    ("bytes_sent", "transmit_bytes"),
    ("packets_sent", "transmit_packets"),
    ("errout", "transmit_errs"),
)


def cpu_families() -> list[Family]:
    """Seconds by processor and mode."""
    import psutil

    processors = psutil.cpu_times(percpu=True)
    seconds: dict[LabelValues, float] = {
        (str(number), mode): getattr(times, mode)
        for number, times in enumerate(processors)
        for mode in ("user", "nice", "system", "idle")
    }
    return [counter("node_cpu_seconds_total", "Seconds the CPUs spent in each mode.", seconds, ("cpu", "mode"))]


def memory_families() -> list[Family]:
    """Memory and swap."""
    import psutil

    memory, swap = psutil.virtual_memory(), psutil.swap_memory()
    return [
        *(_memory_field(name, "gauge", getattr(memory, field)) for field, name in _MEMORY),
        *(_memory_field(name, type_, getattr(swap, field)) for field, name, type_ in _SWAP),
    ]


def _memory_field(name: str, type_: MetricType, value: int) -> Family:
    return Family(f"node_memory_{name}", type_, f"Memory information field {name}.", (), {(): value})


def memory() -> Memory:
    """What the check of memory needs."""
    import psutil

    found = psutil.virtual_memory()
    return Memory(total=found.total, available=found.available)


def measured() -> Measured:
    """The file systems, without those that node_exporter leaves out."""
    import psutil

    return {
        Mount(part.device, part.mountpoint, part.fstype, "ro" in part.opts.split(",")): space(part.mountpoint)
        for part in psutil.disk_partitions(all=True)
        if not (_EXCLUDED_MOUNT_POINT.search(part.mountpoint) or _EXCLUDED_TYPE.search(part.fstype))
    }


def filesystem_families() -> list[Family]:
    """Space and inodes of each mount."""
    return space_families(measured())


def disk_families() -> list[Family]:
    """What the disks did."""
    import psutil

    disks = psutil.disk_io_counters(perdisk=True, nowrap=False) or {}
    return [
        counter(
            f"node_disk_{name}",
            help,
            {(device,): getattr(counts, field) * unit for device, counts in disks.items()},
            ("device",),
        )
        for field, name, unit, help in _DISK
    ]


def network_families() -> list[Family]:
    """Traffic of each interface."""
    import psutil

    interfaces = psutil.net_io_counters(pernic=True, nowrap=False) or {}
    return [
        statistic(name, {device: getattr(counts, field) for device, counts in interfaces.items()})
        for field, name in _NETWORK
    ]


def boot_time_families() -> list[Family]:
    """When the machine started."""
    import psutil

    return [gauge("node_boot_time_seconds", "Unix time of last boot.", psutil.boot_time())]
