"""The containers collector: it looks for control groups at an interval, and measures them at each scrape."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from collectors.base import Collector
from collectors.containers import checks
from collectors.containers.config import ContainersConfig
from collectors.containers.container_names import Answers, ContainerNames
from collectors.containers.discovery import Cgroup, Count, Discovery
from collectors.containers.engine import Description
from collectors.containers.families import LABELS, families
from collectors.containers.identity import has_engine_id
from collectors.containers.layout import Layout, find
from collectors.containers.meter import Meter
from collectors.findings import Check, Finding
from collectors.metrics import Family, LabelValues
from collectors.offloop import start

LOOK_SECONDS = 5.0
"""The time within which a new container is found."""

_LONGEST = 512  # characters: each series of a container repeats a label
_NOT_IN_A_LABEL = re.compile(r"[^a-zA-Z0-9_]")


@dataclass(frozen=True, slots=True)
class _View:
    """The result of the last look and the engines' answers, for scrapes and checks.

    Attributes:
        count: The control groups.
        answers: The engines' answers.
        labels: The label values of the groups that a scrape has read, by path.
    """

    count: Count
    answers: Answers
    labels: dict[str, LabelValues] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Groups:
    """The trees of control groups of a machine, with their search and measurement."""

    layout: Layout
    discovery: Discovery
    meter: Meter


class ContainersCollector(Collector):
    """The collector of containers, slices and services, under cAdvisor's names.

    Args:
        config: The section `[containers]`.
        root: The directory of the machine's files.
    """

    name = "containers"

    def __init__(self, config: ContainersConfig, root: Path = Path("/")) -> None:
        self._config = config
        self._root = root
        self._exported = exported_labels(config.labels)
        self._container_names = ContainerNames(config.sockets)
        self._groups: _Groups | None = None
        self._view = _View(Count(), Answers())

    async def run(self) -> None:
        """Look at an interval, if the machine has control groups."""
        while True:
            await self.look()
            if self._groups is None:
                await super().run()
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Find the control groups, and ask the engines for names of new containers."""
        if self._groups is None:
            self._groups = await start(self._find_trees, "find trees of control groups")
        if self._groups is None:
            return
        count = await start(self._groups.discovery.look, "find control groups")
        containers = frozenset(cgroup.container for cgroup in count.cgroups if has_engine_id(cgroup.container))
        self._view = _View(count, await self._container_names.answers(containers))

    def collect(self) -> list[Family]:
        """Return the families of all control groups and of the machine; none while none is measured."""
        view, groups = self._view, self._groups
        if groups is None or not view.count.cgroups:
            return []
        readings = groups.meter.readings(view.count.cgroups)
        measured = ((self._labels(cgroup, view), reading) for cgroup, reading in readings)
        of_groups = families(measured, (*LABELS, *self._exported))
        return [*of_groups, groups.meter.scrape_error(), *groups.meter.machine.families()]

    def checks(self) -> Sequence[Check]:
        """Return the checks of names, of the limit and of the controllers."""
        return (
            Check("containers.names", "The container engines return names of their containers", self._names),
            Check("containers.limit", "All control groups are measured", self._limit),
            Check("containers.controllers", "The kernel accounts all resources of control groups", self._controllers),
        )

    def _find_trees(self) -> _Groups | None:
        layout = find(self._root)
        if layout is None:
            return None
        discovery = Discovery(self._config, layout, self._root)
        return _Groups(layout, discovery, Meter(layout, self._root, task_states=self._config.task_states))

    def _labels(self, cgroup: Cgroup, view: _View) -> LabelValues:
        known = view.labels.get(cgroup.path)
        if known is None:
            description = view.answers.known.get(cgroup.container) or Description(cgroup.container, "", {})
            exported = (description.labels.get(label, "") for label in self._exported.values())
            known = (cgroup.path, *(text[:_LONGEST] for text in (description.name, description.image, *exported)))
            view.labels[cgroup.path] = known
        return known

    def _names(self) -> list[Finding]:
        return checks.names(self._view.answers)

    def _limit(self) -> list[Finding]:
        return checks.limit(self._view.count, self._config.limit)

    def _controllers(self) -> list[Finding]:
        if self._groups is None or not self._view.count.cgroups:
            return []
        layout = self._groups.layout
        paths = (cgroup.path for cgroup in self._view.count.cgroups if cgroup.container)
        lacking = {path: missing for path in paths if (missing := layout.undelegated(path))}
        return [*checks.controllers(layout.missing_controllers(), self._root), *checks.delegation(lacking)]


def exported_labels(labels: Iterable[str]) -> dict[str, str]:
    """Return the exported containers' labels by their new name; the first of two with the same new name."""
    named: dict[str, str] = {}
    for label in labels:
        named.setdefault("container_label_" + _NOT_IN_A_LABEL.sub("_", label), label)
    return named
