"""What is read of one control group, and how the kernel's text becomes numbers."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Self

Series = tuple[str, ...]
"""A family's name, then the values of the labels that it has of its own."""

CgroupReading = dict[Series, float]
"""What one control group says."""

Names = Mapping[Series, str]
"""What the kernel calls the number of each series."""

DeviceName = Callable[[str], str]
"""Gives a block device's name, such as `/dev/sda`, for its numbers, such as `8:0`."""

CPU_USAGE = ("container_cpu_usage_seconds_total", "total")
CPU_USER = ("container_cpu_user_seconds_total",)
CPU_SYSTEM = ("container_cpu_system_seconds_total",)
CFS_PERIODS: Names = {
    ("container_cpu_cfs_periods_total",): "nr_periods",
    ("container_cpu_cfs_throttled_periods_total",): "nr_throttled",
    ("container_cpu_cfs_burst_periods_total",): "nr_bursts",
}
CFS_THROTTLED = ("container_cpu_cfs_throttled_seconds_total",)
CFS_BURST = ("container_cpu_cfs_burst_seconds_total",)
MEMORY_USAGE = ("container_memory_usage_bytes",)
WORKING_SET = ("container_memory_working_set_bytes",)
MEMORY_LIMIT = ("container_spec_memory_limit_bytes",)
SWAP_LIMIT = ("container_spec_memory_swap_limit_bytes",)

# The values of the label `operation`, and the family and the unit that cAdvisor has for each besides.
_BYTES = {"Read": "container_fs_reads_bytes_total", "Write": "container_fs_writes_bytes_total"}
_OPERATIONS = {"Read": "container_fs_reads_total", "Write": "container_fs_writes_total"}

_CHUNK = 65536
_UNLIMITED = 2**62


class Files:
    """The files of one control group, by name. Use it as a context manager.

    Args:
        directory: The group's directory.

    Raises:
        OSError: The group is gone, or may not be read.
    """

    __slots__ = ("_descriptor",)

    def __init__(self, directory: str) -> None:
        self._descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    def text(self, name: str) -> str:
        """All of a file; empty where the group has no such file, or has just been removed."""
        try:
            descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._descriptor)
        except OSError:
            return ""
        try:
            return os.read(descriptor, _CHUNK).decode(errors="replace")
        except OSError:
            return ""
        finally:
            os.close(descriptor)

    def number(self, name: str) -> int | None:
        """The one number of a file: 0 for `max`, None where there is no such file."""
        text = self.text(name)
        return limit(text) if text else None


def limit(text: str) -> int:
    """A number of the kernel's; 0 where it stands for no limit, as cAdvisor has it."""
    if text.startswith("max"):
        return 0
    number = int(text)
    return number if 0 <= number <= _UNLIMITED else 0


def fields(text: str) -> dict[str, str]:
    """The numbers of a file with a name and a number on each line, by name; few of them are ever asked for."""
    words = text.split()
    return dict(zip(words[::2], words[1::2], strict=True))


def named(numbers: Mapping[str, str], names: Names, unit: float = 1) -> CgroupReading:
    """The numbers that are there of those that have a name here, times `unit`."""
    return {series: int(numbers[field]) * unit for series, field in names.items() if field in numbers}


def without_none(numbers: Mapping[Series, int | None]) -> CgroupReading:
    """The numbers that there are."""
    return {series: number for series, number in numbers.items() if number is not None}


def threads(files: Files) -> CgroupReading:
    """How many threads there are, and may be; both versions have the same files."""
    return without_none(
        {("container_threads",): files.number("pids.current"), ("container_threads_max",): files.number("pids.max")}
    )


def working_set(usage: int, inactive_file: int) -> CgroupReading:
    """Memory in use, and what of it the kernel could not take back without being missed."""
    return {MEMORY_USAGE: usage, WORKING_SET: max(usage - inactive_file, 0)}


def io_bytes(device: str, numbers: str, operation: str, count: int) -> CgroupReading:
    """Bytes of one kind of operation on one device."""
    major, _, minor = numbers.partition(":")
    reading: CgroupReading = {("container_blkio_device_usage_total", device, major, minor, operation): count}
    if operation in _BYTES:
        reading[_BYTES[operation], device] = count
    return reading


def io_operations(device: str, operation: str, count: int) -> CgroupReading:
    """How many operations of one kind there were on one device."""
    return {(_OPERATIONS[operation], device): count} if operation in _OPERATIONS else {}
