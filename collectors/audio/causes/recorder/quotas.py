"""The processor quotas of the control groups that hold audio processes, in either version of control groups.

A group's quota holds for all groups below it, so the ancestors count too. Groups change, so they are read each time.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from collectors.audio.causes.evidence import GroupLook, GroupTrack
from collectors.audio.causes.recorder.kept_file import KeptFile, kept
from collectors.kernel_files import read_bytes

_KEPT_LOOKS = 64
_MOST_GROUPS = 32
_SECOND_NS = 1_000_000_000
_KEPT_NS = 8 * _SECOND_NS


@dataclass(slots=True)
class _Group:
    path: str
    stat: KeptFile
    quota: float = 0.0
    quota_ns: int = 0
    pids: tuple[int, ...] = ()
    seen_ns: int = 0
    looks: deque[GroupLook] = field(default_factory=lambda: deque(maxlen=_KEPT_LOOKS))

    def see(self, quota: float, now_ns: int) -> None:
        """Take in the present quota; one that was removed is remembered for a while."""
        if quota or now_ns - self.quota_ns > _KEPT_NS:
            self.quota, self.quota_ns = quota, now_ns


def parse_quota_v2(content: bytes) -> float:
    """Return the quota of `cpu.max` in processors; 0 without one."""
    quota, _, period = content.decode().partition(" ")
    return int(quota) / int(period or 100_000) if quota.strip() != "max" else 0.0


def parse_throttling(content: bytes) -> tuple[int, int]:
    """Return the throttled periods and nanoseconds of `cpu.stat`.

    Version 1 counts in nanoseconds, version 2 in microseconds.
    """
    fields = dict(line.split() for line in content.splitlines())
    nanoseconds = int(fields.get(b"throttled_time", 0)) or int(fields.get(b"throttled_usec", 0)) * 1000
    return int(fields.get(b"nr_throttled", 0)), nanoseconds


def parse_groups(content: bytes) -> tuple[str, str]:
    """Return the paths in the processor's hierarchy of version 1 and in version 2; empty where there is none."""
    first = second = ""
    for line in os.fsdecode(content).splitlines():
        number, controllers, path = line.split(":", 2)
        if "cpu" in controllers.split(","):
            first = path
        elif number == "0":
            second = path
    return first, second


class Quotas:
    """The quotas of all audio processes.

    Args:
        proc: Path of `/proc`.
        root: Path of `/sys/fs/cgroup`.
    """

    def __init__(self, proc: Path = Path("/proc"), root: Path = Path("/sys/fs/cgroup")) -> None:
        self._proc = proc
        self._first = next((root / name for name in ("cpu", "cpu,cpuacct") if (root / name).is_dir()), None)
        self._second = root if (root / "cgroup.controllers").exists() else root / "unified"
        self._groups: dict[Path, _Group] = {}

    def look(self, pids: Iterable[int] | None, now_ns: int) -> None:
        """Look at all groups, also at those without a quota, which may get one.

        Args:
            pids: The audio processes, to find their groups and quotas; None to look at the known groups only.
            now_ns: Monotonic time.
        """
        if pids is not None:
            self._discover(pids, now_ns)
        for group in self._groups.values():
            if pids is None and not group.quota:
                continue
            try:
                throttled, throttled_ns = parse_throttling(group.stat.read())
            except (OSError, ValueError):
                continue
            group.looks.append(GroupLook(now_ns, throttled, throttled_ns))

    def tracks(self, since_ns: int) -> tuple[GroupTrack, ...]:
        """Return the groups since that time."""
        found = []
        for group in list(self._groups.values()):
            looks = tuple(look for look in group.looks if look.at_ns >= since_ns)
            if looks and (group.quota or looks[-1].throttled > looks[0].throttled):
                found.append(GroupTrack(path=group.path, quota=group.quota, pids=group.pids, looks=looks))
        return tuple(found)

    def _discover(self, pids: Iterable[int], now_ns: int) -> None:
        members: dict[Path, list[int]] = {}
        for pid in pids:
            for folder in self._folders(pid):
                members.setdefault(folder, []).append(pid)
        for folder, inside in members.items():
            known = self._groups.get(folder)
            if known is None and len(self._groups) < _MOST_GROUPS and (stat := kept(folder / "cpu.stat")):
                known = self._groups[folder] = _Group(self._path(folder), stat)
            if known is not None:
                known.pids, known.seen_ns = tuple(inside), now_ns
                known.see(self._quota(folder), now_ns)
        for folder in [folder for folder, group in self._groups.items() if now_ns - group.seen_ns > _KEPT_NS]:
            del self._groups[folder]

    def _folders(self, pid: int) -> Iterator[Path]:
        """Yield the folders of a process's groups and of their ancestors."""
        try:
            first, second = parse_groups(read_bytes(f"{self._proc}/{pid}/cgroup"))
        except (OSError, ValueError):
            return
        for root, path in ((self._first, first), (self._second, second)):
            folder = path.strip("/")
            while root is not None and folder:
                yield root / folder
                folder = folder.rpartition("/")[0]

    def _path(self, folder: Path) -> str:
        root = self._first if self._first is not None and folder.is_relative_to(self._first) else self._second
        return f"/{folder.relative_to(root)}"

    def _quota(self, folder: Path) -> float:
        """Return the quota of a group in processors; 0 without one."""
        try:
            if self._first is not None and folder.is_relative_to(self._first):
                quota = int(read_bytes(folder / "cpu.cfs_quota_us"))
                return quota / int(read_bytes(folder / "cpu.cfs_period_us")) if quota > 0 else 0.0
            return parse_quota_v2(read_bytes(folder / "cpu.max"))
        except (OSError, ValueError, ZeroDivisionError):
            return 0.0
