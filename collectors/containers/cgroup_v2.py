"""The numbers of one control group of version 2, per Documentation/admin-guide/cgroup-v2 of the kernel."""

from __future__ import annotations

from collectors.containers.cgroup_reading import (
    CFS_BURST,
    CFS_PERIODS,
    CFS_THROTTLED,
    CPU_SYSTEM,
    CPU_USAGE,
    CPU_USER,
    MEMORY_LIMIT,
    OPERATIONS,
    SWAP_LIMIT,
    CgroupReading,
    DeviceName,
    Files,
    Names,
    add_io,
    add_io_bytes,
    fields,
    limit,
    named,
    threads,
    without_none,
    working_set,
)

_MICROSECONDS = 1e-6

_CPU: Names = {CPU_USAGE: "usage_usec", CPU_USER: "user_usec", CPU_SYSTEM: "system_usec"}
_CFS_TIME: Names = {CFS_THROTTLED: "throttled_usec", CFS_BURST: "burst_usec"}
_MEMORY: Names = {
    ("container_memory_rss",): "anon",
    ("container_memory_cache",): "file",
    ("container_memory_mapped_file",): "file_mapped",
    ("container_memory_kernel_usage",): "kernel",
    ("container_memory_total_active_file_bytes",): "active_file",
    ("container_memory_total_inactive_file_bytes",): "inactive_file",
    ("container_memory_file_dirty_bytes",): "file_dirty",
    ("container_memory_file_writeback_bytes",): "file_writeback",
    ("container_memory_pgscan_total",): "pgscan",
    ("container_memory_pgsteal_total",): "pgsteal",
    ("container_memory_workingset_refault_anon_total",): "workingset_refault_anon",
    ("container_memory_workingset_refault_file_total",): "workingset_refault_file",
    # Version 2 counts a group with all groups below it; cAdvisor reports that number for both scopes.
    ("container_memory_failures_total", "pgfault", "container"): "pgfault",
    ("container_memory_failures_total", "pgfault", "hierarchy"): "pgfault",
    ("container_memory_failures_total", "pgmajfault", "container"): "pgmajfault",
    ("container_memory_failures_total", "pgmajfault", "hierarchy"): "pgmajfault",
}
_MEMORY_EVENTS: Names = {
    ("container_memory_failcnt",): "max",
    ("container_memory_events_max_total",): "max",
    ("container_memory_events_high_total",): "high",
    ("container_oom_events_total",): "oom_kill",
}
_PRESSURE = {"some": "waiting", "full": "stalled"}
_IO_BYTES = {"rbytes": "Read", "wbytes": "Write"}
_IO_OPERATIONS = {"rios": "Read", "wios": "Write"}


def read(files: Files, device_name: DeviceName) -> CgroupReading:
    """Return the numbers of the group and all groups below it."""
    return (
        _cpu(files) | _memory(files) | parse_io(files.text("io.stat"), device_name) | _pressure(files) | threads(files)
    )


def shares(weight: int) -> int:
    """Return the v1 shares of a v2 weight: 2 to 262,144 for 1 to 10,000, as runc and cAdvisor convert them."""
    return 2 + (weight - 1) * 262_142 // 9_999


def parse_io(text: str, device_name: DeviceName) -> CgroupReading:
    """Return bytes and operations by device, from io.stat: `8:0 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0`.

    Some kernels put the numbers of devices without counts in front of another device's row, as in
    `7:1 7:0 8:0 rbytes=…`. A row's own device is the last one before the counts.
    """
    reading: CgroupReading = {}
    for line in text.splitlines():
        words = line.split()
        devices = [word for word in words if "=" not in word]
        if not devices:
            continue
        numbers = devices[-1]
        device = device_name(numbers)
        for key, _, count in (word.partition("=") for word in words if "=" in word):
            if key in _IO_BYTES:
                add_io_bytes(reading, device, numbers, _IO_BYTES[key], int(count))
            elif key in _IO_OPERATIONS:
                add_io(reading, OPERATIONS, device, _IO_OPERATIONS[key], int(count))
    return reading


def parse_pressure(text: str, resource: str) -> CgroupReading:
    """Return the seconds that some or all tasks waited, from `some avg10=… avg60=… avg300=… total=17` and `full …`."""
    reading: CgroupReading = {}
    for line in text.splitlines():
        kind, *words = line.split()
        total = dict(word.split("=", 1) for word in words if "=" in word).get("total")
        if kind in _PRESSURE and total is not None:
            series = (f"container_pressure_{resource}_{_PRESSURE[kind]}_seconds_total",)
            reading[series] = int(total) * _MICROSECONDS
    return reading


def _cpu(files: Files) -> CgroupReading:
    usage = fields(files.text("cpu.stat"))
    reading = named(usage, _CPU, _MICROSECONDS)
    weight, quota = files.number("cpu.weight"), files.text("cpu.max").split()
    if weight:
        reading["container_spec_cpu_shares",] = shares(weight)
    if quota:
        reading["container_spec_cpu_period",] = int(quota[1])
    if quota and limit(quota[0]):
        reading["container_spec_cpu_quota",] = limit(quota[0])
        reading |= named(usage, CFS_PERIODS) | named(usage, _CFS_TIME, _MICROSECONDS)
    return reading


def _memory(files: Files) -> CgroupReading:
    stat = fields(files.text("memory.stat"))
    if not stat:
        return {}
    usage = files.number("memory.current")
    if usage is None:  # the root group has no such file
        usage = int(stat.get("anon", 0)) + int(stat.get("file", 0))
    return (
        named(stat, _MEMORY)
        | named(fields(files.text("memory.events")), _MEMORY_EVENTS)
        | working_set(usage, int(stat.get("inactive_file", 0)))
        | without_none(
            {
                ("container_memory_max_usage_bytes",): files.number("memory.peak"),
                ("container_memory_swap",): files.number("memory.swap.current"),
                MEMORY_LIMIT: files.number("memory.max"),
                SWAP_LIMIT: files.number("memory.swap.max"),
                ("container_spec_memory_reservation_limit_bytes",): files.number("memory.min"),
            }
        )
    )


def _pressure(files: Files) -> CgroupReading:
    reading: CgroupReading = {}
    for resource in ("cpu", "memory", "io"):
        reading |= parse_pressure(files.text(f"{resource}.pressure"), resource)
    return reading
