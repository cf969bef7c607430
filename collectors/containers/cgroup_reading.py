"""The numbers of one control group, and the conversion of the kernel's text to them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Self

Series = tuple[str, ...]
"""A family's name, followed by the values of its own labels."""

CgroupReading = dict[Series, float]
"""The numbers of one control group."""

Names = Mapping[Series, str]
"""The kernel's name of the number of each series."""

DeviceName = Callable[[str], str]
"""The function that returns a block device's name, such as `/dev/sda`, for its numbers, such as `8:0`."""

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

# The values of the label `operation`, and cAdvisor's family for each.
_BYTES = {"Read": "container_fs_reads_bytes_total", "Write": "container_fs_writes_bytes_total"}
OPERATIONS = {"Read": "container_fs_reads_total", "Write": "container_fs_writes_total"}
MERGED = {"Read": "container_fs_reads_merged_total", "Write": "container_fs_writes_merged_total"}
SERVICE_TIME = {
    "Read": "container_fs_read_seconds_total",
    "Write": "container_fs_write_seconds_total",
    "Total": "container_fs_io_time_seconds_total",
}
QUEUED = {"Total": "container_fs_io_current"}

_CHUNK = 65536
_UNLIMITED = 2**62


class Files:
    """The files of one control group, by name. Use it as a context manager, or close it.

    Args:
        directory: The group's directory.
        keep: Keeps each file open for the next reading, which then takes a fifth of the time.

    Attributes:
        inode: The inode of the directory, which differs from that of a later group at the same path.

    Raises:
        OSError: The group is gone, or not readable.
    """

    __slots__ = ("_descriptor", "_keep", "_kept", "inode")

    def __init__(self, directory: str, *, keep: bool = False) -> None:
        self._descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._keep = keep
        self._kept: dict[str, int] = {}
        self.inode = os.fstat(self._descriptor).st_ino

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def open(self) -> int:
        """The number of descriptors that are open, with that of the directory."""
        return len(self._kept) + 1

    def close(self) -> None:
        """Close all files."""
        for descriptor in (self._descriptor, *self._kept.values()):
            os.close(descriptor)
        self._kept.clear()

    def text(self, name: str) -> str:
        """Return the text of a file; empty if the group has no such file or was removed."""
        descriptor = self._kept.get(name)
        try:
            if descriptor is None:
                descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._descriptor)
                if self._keep:
                    self._kept[name] = descriptor
            return _content(descriptor)
        except OSError:  # a controller that was disabled has no files
            self._forget(name)
            return ""
        finally:
            if descriptor is not None and not self._keep:
                os.close(descriptor)

    def _forget(self, name: str) -> None:
        descriptor = self._kept.pop(name, None)
        if descriptor is not None:
            os.close(descriptor)

    def number(self, name: str) -> int | None:
        """Return the number in a file: 0 for `max`, None if there is no such file."""
        text = self.text(name)
        return limit(text) if text else None


def _content(descriptor: int) -> str:
    content = chunk = os.pread(descriptor, _CHUNK, 0)
    while len(chunk) == _CHUNK:
        chunk = os.pread(descriptor, _CHUNK, len(content))
        content += chunk
    return content.decode(errors="replace")


def limit(text: str) -> int:
    """Return a number of the kernel's; 0 if it means no limit, as in cAdvisor."""
    if text.startswith("max"):
        return 0
    number = int(text)
    return number if 0 <= number <= _UNLIMITED else 0


def fields(text: str) -> dict[str, str]:
    """Return the numbers, as text, of a file with a name and a number on each line."""
    words = text.split()
    numbers = words[1::2]
    # Two words a line are what the kernel writes. Reading them at once takes a third of the time.
    if len(words) == 2 * text.count("\n") and "".join(numbers).isdecimal():
        return dict(zip(words[::2], numbers, strict=True))
    return dict(line.split(" ", 1) for line in text.splitlines() if " " in line)


def named(numbers: Mapping[str, str], names: Names, unit: float = 1) -> CgroupReading:
    """Return the present numbers of those named here, times `unit`."""
    return {series: int(numbers[field]) * unit for series, field in names.items() if field in numbers}


def without_none(numbers: Mapping[Series, int | None]) -> CgroupReading:
    """Return the numbers that are not None."""
    return {series: number for series, number in numbers.items() if number is not None}


def threads(files: Files) -> CgroupReading:
    """Return the number of threads and its limit; both versions have the same files."""
    return without_none(
        {("container_threads",): files.number("pids.current"), ("container_threads_max",): files.number("pids.max")}
    )


def working_set(usage: int, inactive_file: int) -> CgroupReading:
    """Return the memory in use, in total and without the file cache that the kernel can reclaim at once."""
    return {MEMORY_USAGE: usage, WORKING_SET: max(usage - inactive_file, 0)}


def add_io_bytes(reading: CgroupReading, device: str, numbers: str, operation: str, count: int) -> None:
    """Add the bytes of one kind of operation on one device.

    Two rows may share a device's name, as those of a removed disk and of the one in its place do: they are summed.
    """
    major, _, minor = numbers.partition(":")
    _add(reading, ("container_blkio_device_usage_total", device, major, minor, operation), count)
    if operation in _BYTES:
        _add(reading, (_BYTES[operation], device), count)


def add_io(reading: CgroupReading, family: Mapping[str, str], device: str, operation: str, number: float) -> None:
    """Add a number of one kind of operation on one device, to the family that `family` has for the operation."""
    if operation in family:
        _add(reading, (family[operation], device), number)


def _add(reading: CgroupReading, series: Series, number: float) -> None:
    reading[series] = reading.get(series, 0) + number
