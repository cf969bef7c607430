"""One trace instance of the kernel: its own ring buffers, its own events."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_PREFIX = "wr-agent-recorder-"

_GONE = (errno.ENOENT, errno.ENODEV)
"""The errors for an instance that is removed, and for one that is being removed."""

_ATTEMPTS = 20
"""The limit of attempts to make an instance."""

_ROOTS = (Path("/sys/kernel/tracing"), Path("/sys/kernel/debug/tracing"))


class NoTracingError(Exception):
    """A kernel that cannot be traced. `str()` includes the fix."""


def tracefs() -> Path:
    """Return the root of tracefs.

    Raises:
        NoTracingError: It is not mounted.
    """
    for root in _ROOTS:
        if (root / "instances").is_dir():
            return root
    raise NoTracingError(f"tracefs is not mounted; as root: mount -t tracefs nodev {_ROOTS[0]}")


def remove_abandoned(root: Path) -> int:
    """Remove the instances of recorders that were killed; return their number.

    The kernel refuses to remove an instance with an open file, so that those of living recorders stay.
    """
    removed = 0
    for path in (root / "instances").glob(f"{_PREFIX}*"):
        with suppress(OSError):
            path.rmdir()
            removed += 1
    return removed


class Instance:
    """An instance that records into memory, and overwrites the oldest events.

    The kernel stops it and frees its memory when this process ends, even by SIGKILL.

    Args:
        root: The root of tracefs.
        events: The events to record, such as `sched/sched_switch`. Those unknown to this kernel are left out.
        buffer_kib: The size of the ring buffer of each processor in KiB.

    Raises:
        OSError: The kernel refused.
    """

    def __init__(self, root: Path, events: tuple[str, ...], buffer_kib: int) -> None:
        self._path, self._switch = _new_instance(root / "instances")
        self._open = [self._switch]
        self._overruns: dict[int, int] = {}
        try:
            self._prepare(events, buffer_kib)
        except BaseException:
            self.close()
            raise

    def _prepare(self, events: tuple[str, ...], buffer_kib: int) -> None:
        self.record(on=False)
        _write(self._path / "options/disable_on_free", "1")
        self._open.append(os.open(self._path / "free_buffer", os.O_WRONLY))
        _write(self._path / "options/overwrite", "1")
        _write(self._path / "trace_clock", "mono")
        _write(self._path / "buffer_size_kb", str(buffer_kib))
        for event in events:
            with suppress(FileNotFoundError):
                _write(self._path / "events" / event / "enable", "1")

    def record(self, *, on: bool) -> None:
        """Start or stop recording."""
        os.pwrite(self._switch, b"1" if on else b"0", 0)

    def overwritten(self) -> set[int]:
        """Return the processors whose oldest events were overwritten since the last call."""
        before, self._overruns = (
            self._overruns,
            {cpu: _overrun((path / "stats").read_text()) for cpu, path in self._cpus()},
        )
        return {cpu for cpu, number in self._overruns.items() if number > before.get(cpu, 0)}

    def pages(self, page_bytes: int) -> Iterator[tuple[int, bytes]]:
        """Yield processor and content of each page, the oldest first, and take it out. Only while nothing records."""
        for cpu, folder in self._cpus():
            descriptor = os.open(folder / "trace_pipe_raw", os.O_RDONLY | os.O_NONBLOCK)
            try:
                with suppress(BlockingIOError):
                    while page := os.read(descriptor, page_bytes):
                        yield cpu, page
            finally:
                os.close(descriptor)

    def close(self) -> None:
        """Stop recording, and remove the instance. Another recorder may remove it at the same time."""
        for descriptor in self._open:
            os.close(descriptor)
        self._open = []
        try:
            self._path.rmdir()
        except OSError as error:
            if error.errno not in _GONE:
                raise

    def _cpus(self) -> list[tuple[int, Path]]:
        return sorted((int(folder.name[3:]), folder) for folder in (self._path / "per_cpu").glob("cpu*"))


def _new_instance(instances: Path) -> tuple[Path, int]:
    """Return the folder of a new instance, and a descriptor of its switch, which keeps others from removing it."""
    for number in range(_ATTEMPTS):
        path = instances / f"{_PREFIX}{os.getpid()}-{number}"
        with suppress(FileExistsError):
            path.mkdir()
            try:
                return path, os.open(path / "tracing_on", os.O_WRONLY)
            except OSError:  # another recorder started, and removed it as abandoned
                continue
    raise OSError(f"no instance could be made in {instances}")


def _write(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def _overrun(stats: str) -> int:
    """Return the number of overwritten events from the text of `per_cpu/cpuN/stats`."""
    return next((int(line[9:]) for line in stats.splitlines() if line.startswith("overrun: ")), 0)
