"""The measurement of control groups, which joins the kernel's numbers from several places."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from collectors.containers.cgroup_reading import CgroupReading
from collectors.containers.discovery import ROOT, Cgroup
from collectors.containers.layout import Layout
from collectors.containers.machine import Machine
from collectors.containers.network import Networks
from collectors.containers.processes import container_pids, states
from collectors.containers.reader import Reader
from collectors.metrics import Family, gauge


class Meter:
    """The meter of the control groups of one layout, on the machine whose files are under `root`."""

    def __init__(self, layout: Layout, root: Path, *, task_states: bool = False) -> None:
        self._proc = root / "proc"
        self._task_states = task_states
        self.machine = Machine(root)
        self._layout = layout
        self._networks = Networks(root)
        self._reader = Reader(layout, root)

    def readings(self, cgroups: Sequence[Cgroup]) -> list[tuple[Cgroup, CgroupReading]]:
        """Return the numbers of each control group that still exists."""
        self._reader.begin()
        containers = sorted((cgroup for cgroup in cgroups if cgroup.container), key=lambda cgroup: cgroup.started)
        processes = {it.path: container_pids(self._layout.directory(it.path)) for it in containers}
        networks = self._networks_of(containers, processes)
        now = int(time.time())
        readings = []
        for cgroup in cgroups:
            reading = self._reader.read(cgroup.path, cgroup.tops)
            if not reading:
                continue
            if cgroup.path == ROOT:
                reading |= self.machine.reading() | self._networks.of_machine()
            if cgroup.path in processes:
                reading |= self._of_processes(processes[cgroup.path]) | networks.get(cgroup.path, {})
            reading["container_last_seen",] = now
            reading["container_creation_time_seconds",] = cgroup.created
            reading["container_start_time_seconds",] = cgroup.started
            readings.append((cgroup, reading))
        return readings

    def scrape_error(self) -> Family:
        """Return whether a control group of the last scrape exists and could not be read."""
        return gauge(
            "container_scrape_error",
            "1 if there was an error while getting container metrics, 0 otherwise",
            float(self._reader.unreadable > 0),
        )

    def _of_processes(self, pids: Sequence[str]) -> CgroupReading:
        reading: CgroupReading = {("container_processes",): len(pids)}
        if self._task_states:
            reading |= {("container_tasks_state", state): count for state, count in states(pids, self._proc).items()}
        return reading

    def _networks_of(
        self, containers: Iterable[Cgroup], processes: Mapping[str, Sequence[str]]
    ) -> dict[str, CgroupReading]:
        """Return the counters of each container by its path. The containers are in order of their age."""
        first = {
            it.path: it.first_pid if it.first_pid in processes[it.path] else processes[it.path][0]
            for it in containers
            if processes[it.path]
        }
        return dict(zip(first, self._networks.of_containers(first.values()), strict=True))
