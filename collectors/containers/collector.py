"""The containers' collector: looks now and then which control groups there are, and measures them at each scrape."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from collectors.base import Collector
from collectors.containers import checks
from collectors.containers.config import ContainersConfig
from collectors.containers.container_names import Answers, ContainerNames
from collectors.containers.discovery import Cgroup, Count, Discovery
from collectors.containers.engine import Description
from collectors.containers.families import LABELS, families
from collectors.containers.layout import find
from collectors.containers.meter import Meter
from collectors.findings import Check, Finding
from collectors.metrics import Family, LabelValues
from collectors.offloop import start

LOOK_SECONDS = 5.0
"""How long a new container may go unnoticed."""

_LONGEST = 512  # characters: a label is written once for each of a container's series
_NOT_IN_A_LABEL = re.compile(r"[^a-zA-Z0-9_]")


@dataclass(frozen=True, slots=True)
class _View:
    """What scrapes and checks read: the last look, and what the engines said of it."""

    count: Count
    answers: Answers


class ContainersCollector(Collector):
    """Containers, slices and services, under cAdvisor's names.

    Args:
        config: The section `[containers]`.
        root: Where the machine's files are.
    """

    name = "containers"

    def __init__(self, config: ContainersConfig, root: Path = Path("/")) -> None:
        layout = find(root)
        self._limit_allowed = config.limit
        self._exported = exported_labels(config.labels)
        self._directory = ContainerNames(config.sockets)
        self._discovery = Discovery(config, layout, root) if layout else None
        self._meter = Meter(layout, root) if layout else None
        self._view = _View(Count(), Answers())

    async def run(self) -> None:
        """Look again and again, where there are control groups."""
        while self._discovery is not None:
            await self.look()
            await asyncio.sleep(LOOK_SECONDS)
        await super().run()

    async def look(self) -> None:
        """Look which control groups there are, and ask the engines what new containers are called."""
        if self._discovery is None:
            return
        count = await start(self._discovery.look, "look for control groups")
        containers = frozenset(cgroup.container for cgroup in count.cgroups if cgroup.container)
        self._view = _View(count, await self._directory.answers(containers))

    def collect(self) -> list[Family]:
        """What all control groups say now, and the size of the machine; nothing while nothing is to be measured."""
        view = self._view
        if self._meter is None or not view.count.cgroups:
            return []
        readings = self._meter.readings(view.count.cgroups)
        measured = ((self._labels(cgroup, view.answers), reading) for cgroup, reading in readings)
        return [*families(measured, (*LABELS, *self._exported)), *self._meter.machine.families()]

    def checks(self) -> Sequence[Check]:
        """Whether containers have names, and whether all control groups are measured."""
        return (
            Check("containers.names", "The container engines say what their containers are called", self._names),
            Check("containers.limit", "All control groups are measured", self._limit),
        )

    def _labels(self, cgroup: Cgroup, answers: Answers) -> LabelValues:
        said = answers.known.get(cgroup.container) or Description(cgroup.container, "", {})
        exported = (said.labels.get(label, "") for label in self._exported.values())
        return (cgroup.path, *(text[:_LONGEST] for text in (said.name, said.image, *exported)))

    def _names(self) -> list[Finding]:
        return checks.names(self._view.answers)

    def _limit(self) -> list[Finding]:
        return checks.limit(self._view.count, self._limit_allowed)


def exported_labels(labels: Iterable[str]) -> dict[str, str]:
    """Which of the containers' labels are exported, by the name that they get; of two with one name the first."""
    named: dict[str, str] = {}
    for label in labels:
        named.setdefault("container_label_" + _NOT_IN_A_LABEL.sub("_", label), label)
    return named
