"""The subsystems of macOS: psutil's numbers under the names of node_exporter for macOS.

Written from the sources of psutil and node_exporter; never run on a Mac. psutil lacks some numbers, or counts them
differently. `macos_commands` reads free, compressed, internal and purgeable memory, heat and power. Disk retries and
errors, multicast and collisions are left out.
"""

from __future__ import annotations

from collectors.host import macos_commands
from collectors.host.filters import Filter
from collectors.host.meminfo import Memory
from collectors.host.netdev import statistic
from collectors.metrics import Family, LabelValues, MetricType, counter, gauge
from collectors.mounts import Mount

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
    """Return seconds by processor and mode."""
    import psutil

    processors = psutil.cpu_times(percpu=True)
    seconds: dict[LabelValues, float] = {
        (str(number), mode): getattr(times, mode)
        for number, times in enumerate(processors)
        for mode in ("user", "nice", "system", "idle")
    }
    return [counter("node_cpu_seconds_total", "Seconds the CPUs spent in each mode.", seconds, ("cpu", "mode"))]


def memory_families() -> list[Family]:
    """Return memory and swap."""
    import psutil

    memory, swap = psutil.virtual_memory(), psutil.swap_memory()
    return [
        *(_memory_field(name, "gauge", getattr(memory, field)) for field, name in _MEMORY),
        *(_memory_field(name, type_, getattr(swap, field)) for field, name, type_ in _SWAP),
        *macos_commands.memory_families(),
    ]


def _memory_field(name: str, type_: MetricType, value: int) -> Family:
    return Family(f"node_memory_{name}", type_, f"Memory information field {name}.", (), {(): value})


def memory() -> Memory:
    """Return the memory for the check."""
    import psutil

    found = psutil.virtual_memory()
    return Memory(total=found.total, available=found.available)


def mounts() -> list[Mount]:
    """Return the mounts."""
    import psutil

    return [
        Mount(part.device, part.mountpoint, part.fstype, "ro" in part.opts.split(","))
        for part in psutil.disk_partitions(all=True)
    ]


def disk_families(kept: Filter) -> list[Family]:
    """Return the activity of the disks."""
    import psutil

    disks = psutil.disk_io_counters(perdisk=True, nowrap=False) or {}
    return [
        counter(
            f"node_disk_{name}",
            help,
            {(device,): getattr(counts, field) * unit for device, counts in disks.items() if kept.keeps(device)},
            ("device",),
        )
        for field, name, unit, help in _DISK
    ]


def network_families(kept: Filter) -> list[Family]:
    """Return the traffic of each interface."""
    import psutil

    interfaces = psutil.net_io_counters(pernic=True, nowrap=False) or {}
    return [
        statistic(name, {device: getattr(counts, field) for device, counts in interfaces.items() if kept.keeps(device)})
        for field, name in _NETWORK
    ]


def boot_time_families() -> list[Family]:
    """Return the time of the last boot."""
    import psutil

    return [gauge("node_boot_time_seconds", "Unix time of last boot.", psutil.boot_time())]
