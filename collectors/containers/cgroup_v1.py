"""The numbers of one control group of version 1, which is a directory in the tree of each controller.

The files are those of Documentation/admin-guide/cgroup-v1 of the kernel.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from collectors.containers.cgroup_reading import (
    CFS_BURST,
    CFS_PERIODS,
    CFS_THROTTLED,
    CPU_SYSTEM,
    CPU_USAGE,
    CPU_USER,
    MEMORY_LIMIT,
    MERGED,
    OPERATIONS,
    QUEUED,
    SERVICE_TIME,
    SWAP_LIMIT,
    CgroupReading,
    DeviceName,
    Files,
    Names,
    Series,
    add_io,
    add_io_bytes,
    fields,
    named,
    threads,
    without_none,
    working_set,
)

_NANOSECONDS = 1e-9
_TICKS = 1 / os.sysconf("SC_CLK_TCK")

_CPU: Names = {CPU_USER: "user", CPU_SYSTEM: "system"}
_CFS_TIME: Names = {CFS_THROTTLED: "throttled_time", CFS_BURST: "burst_time"}

# Names that begin with total_ are sums over the group and all groups below it.
_MEMORY: Names = {
    ("container_memory_rss",): "total_rss",
    ("container_memory_cache",): "total_cache",
    ("container_memory_swap",): "total_swap",
    ("container_memory_mapped_file",): "total_mapped_file",
    ("container_memory_total_active_file_bytes",): "total_active_file",
    ("container_memory_total_inactive_file_bytes",): "total_inactive_file",
    ("container_memory_failures_total", "pgfault", "container"): "pgfault",
    ("container_memory_failures_total", "pgmajfault", "container"): "pgmajfault",
    ("container_memory_failures_total", "pgfault", "hierarchy"): "total_pgfault",
    ("container_memory_failures_total", "pgmajfault", "hierarchy"): "total_pgmajfault",
}
_MEMORY_EVENTS: Names = {("container_oom_events_total",): "oom_kill"}
_MEMORY_FILES: tuple[tuple[Series, str], ...] = (
    (("container_memory_max_usage_bytes",), "memory.max_usage_in_bytes"),
    (("container_memory_failcnt",), "memory.failcnt"),
    (("container_memory_kernel_usage",), "memory.kmem.usage_in_bytes"),
    (MEMORY_LIMIT, "memory.limit_in_bytes"),
    (SWAP_LIMIT, "memory.memsw.limit_in_bytes"),
    (("container_spec_memory_reservation_limit_bytes",), "memory.soft_limit_in_bytes"),
)

# The BFQ scheduler accounts a device in its own files, and leaves those of the throttling policy empty.
_THROTTLE = "throttle."
_IO_POLICIES = ("bfq.", _THROTTLE)
_COLUMNS = 3  # a sum over all devices has two
_SCHEDULER_FILES = (("io_merged", MERGED, 1), ("io_service_time", SERVICE_TIME, _NANOSECONDS), ("io_queued", QUEUED, 1))


def read(trees: Mapping[str, Files], device_name: DeviceName) -> CgroupReading:
    """Return the numbers of the group from each tree that it is in, by controller."""
    reading: CgroupReading = {}
    if "cpuacct" in trees:
        reading |= _usage(trees["cpuacct"])
    if "cpu" in trees:
        reading |= _cpu(trees["cpu"])
    if "memory" in trees:
        reading |= _memory(trees["memory"])
    if "blkio" in trees:
        reading |= _io(trees["blkio"], device_name)
    if "pids" in trees:
        reading |= threads(trees["pids"])
    return reading


def parse_io(text: str, *, total: bool = False) -> dict[tuple[str, str], int]:
    """Return counts by device and operation, such as `8:0` and `Read`.

    Args:
        text: The text of a file of blkio.
        total: Whether to return the sums over a device's operations too, as the operation `Total`.
    """
    counts: dict[tuple[str, str], int] = {}
    for row in (line.split() for line in text.splitlines()):
        if len(row) == _COLUMNS and (total or row[1] != "Total"):
            counts[row[0], row[1]] = counts.get((row[0], row[1]), 0) + int(row[2])
    return counts


def _usage(files: Files) -> CgroupReading:
    used = files.number("cpuacct.usage")
    total: CgroupReading = {} if used is None else {CPU_USAGE: used * _NANOSECONDS}
    return total | named(fields(files.text("cpuacct.stat")), _CPU, _TICKS)


def _cpu(files: Files) -> CgroupReading:
    reading = without_none(
        {
            ("container_spec_cpu_period",): files.number("cpu.cfs_period_us"),
            ("container_spec_cpu_shares",): files.number("cpu.shares"),
        }
    )
    quota = files.number("cpu.cfs_quota_us")
    if quota:
        throttling = fields(files.text("cpu.stat"))
        reading["container_spec_cpu_quota",] = quota
        reading |= named(throttling, CFS_PERIODS) | named(throttling, _CFS_TIME, _NANOSECONDS)
    return reading


def _memory(files: Files) -> CgroupReading:
    stat = fields(files.text("memory.stat"))
    reading = named(stat, _MEMORY)
    reading.update(named(fields(files.text("memory.oom_control")), _MEMORY_EVENTS))
    usage = files.number("memory.usage_in_bytes") or 0
    reading.update(working_set(usage, int(stat.get("total_inactive_file", 0))))
    for series, name in _MEMORY_FILES:
        number = files.number(name)
        if number is not None:
            reading[series] = number
    return reading


def _io(files: Files, device_name: DeviceName) -> CgroupReading:
    reading: CgroupReading = {}
    for policy in _IO_POLICIES:
        for (numbers, operation), count in parse_io(files.text(f"blkio.{policy}io_service_bytes_recursive")).items():
            add_io_bytes(reading, device_name(numbers), numbers, operation, count)
        for (numbers, operation), count in parse_io(files.text(f"blkio.{policy}io_serviced_recursive")).items():
            add_io(reading, OPERATIONS, device_name(numbers), operation, count)
        if reading:
            if policy != _THROTTLE:
                _add_scheduler(reading, files, policy, device_name)
            break
    return reading


def _add_scheduler(reading: CgroupReading, files: Files, policy: str, device_name: DeviceName) -> None:
    """Add the numbers that only the scheduler has."""
    for name, family, unit in _SCHEDULER_FILES:
        for (numbers, operation), count in parse_io(files.text(f"blkio.{policy}{name}_recursive"), total=True).items():
            add_io(reading, family, device_name(numbers), operation, count * unit)
