"""The search for control groups, and the choice of those that are measured."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

from collectors.containers.config import ContainersConfig
from collectors.containers.identity import container_id, payload
from collectors.containers.layout import Layout
from collectors.containers.processes import Clock, children, container_pids, oldest, own_pids

ROOT = "/"

_LINKS_WITHOUT_CHILDREN = 2  # a directory has two links of its own, and one for each directory in it


@dataclass(frozen=True, slots=True)
class Cgroup:
    """One control group.

    Attributes:
        path: Its path in the tree, such as `/system.slice/nginx.service`.
        container: The identifier of its container; empty if it is not a container.
        created: The creation of its directory, in seconds since the epoch.
        started: The start of its oldest process, or else its creation, in seconds since the epoch.
        first_pid: Its oldest process; empty if it had none when it was found.
        inode: The inode of its directory, which differs from that of a later group at the same path.
        tops: The mount points of the trees that it is in.
    """

    path: str
    container: str
    created: float
    started: float
    first_pid: str
    inode: int
    tops: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Count:
    """The result of one look at all control groups.

    Attributes:
        cgroups: The groups to measure: the machine's own, the containers, then the others by path.
        left_out: The number of groups beyond the limit.
    """

    cgroups: tuple[Cgroup, ...] = ()
    left_out: int = 0


class Discovery:
    """The search for control groups, which remembers each. Use it from one thread at a time."""

    def __init__(self, config: ContainersConfig, layout: Layout, root: Path) -> None:
        self._measure = config.measure
        self._limit = config.limit
        self._exclude = re.compile(config.exclude)
        self._layout = layout
        self._clock = Clock(root)
        self._known: dict[str, Cgroup] = {}

    def look(self) -> Count:
        """Return the control groups that exist now."""
        found = self._found()
        chosen = self._chosen(found.keys())
        kept = chosen[: self._limit]
        self._known = {path: self._cgroup(path, *found[path]) for path in kept}
        return Count(tuple(self._known.values()), len(chosen) - len(kept))

    def _found(self) -> dict[str, tuple[os.stat_result, tuple[str, ...]]]:
        """Return the groups by path: the directory in the last tree that has it, and all trees that have it."""
        found: dict[str, tuple[os.stat_result, tuple[str, ...]]] = {}
        for top in self._layout.tops:
            for path, stat in walk(top):
                _, tops = found.get(path, (stat, ()))
                found[path] = stat, (*tops, top)
        return found

    def _chosen(self, paths: AbstractSet[str]) -> list[str]:
        containers = sorted(path for path in paths if container_id(path) and payload(path) not in paths)
        if self._measure == "auto" and not containers:
            return []
        if self._measure == "containers":
            return [ROOT, *containers]
        others = paths - {ROOT, *containers}
        return [ROOT, *containers, *sorted(path for path in others if not self._exclude.search(path))]

    def _cgroup(self, path: str, stat: os.stat_result, tops: tuple[str, ...]) -> Cgroup:
        known = self._known.get(path)
        if known is not None and (known.inode, known.tops) == (stat.st_ino, tops):
            return known
        container = container_id(path)
        if path == ROOT:
            return Cgroup(path, container, self._clock.boot, self._clock.boot, "", stat.st_ino, tops)
        directory = self._layout.directory(path)
        pids = container_pids(directory) if container else own_pids(directory)
        first, started = oldest(pids, self._clock)
        started = stat.st_mtime if started is None else started
        return Cgroup(path, container, stat.st_mtime, started, first, stat.st_ino, tops)


def walk(top: str) -> Iterator[tuple[str, os.stat_result]]:
    """Yield every control group of a tree by its path. Of the groups below a container it yields the containers.

    Containers in containers are those of Docker in LXC, of kind and of BuildKit. Of the groups in a unit of
    systemd-nspawn it yields the payload.
    """
    pending = [("", False)]
    while pending:
        path, inside = pending.pop()
        try:
            stat = os.stat(top + path)  # noqa: PTH116 - a text costs less than a path
        except OSError:
            continue
        is_container = bool(container_id(path))
        if is_container or not inside:
            yield path or ROOT, stat
        if inner := payload(path):
            pending += [(inner, inside)] if Path(top + inner).is_dir() else []
        elif stat.st_nlink != _LINKS_WITHOUT_CHILDREN:
            pending += [(f"{path}/{name}", inside or is_container) for name in children(top + path)]
