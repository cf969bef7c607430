"""The collectors of one configuration, supervised and diagnosed together; the agent itself is one of them."""

from __future__ import annotations

from collections.abc import Sequence

from agent import catalog
from agent.config import Config, web_config_file
from agent.health import Health
from agent.live.sampler import Sampler
from agent.loop_monitor import LoopMonitor
from agent.own_collector import OwnCollector
from agent.selection import asked, chosen
from agent.supervisor import Supervisor
from agent.websecurity.report import SecurityReport
from agent.websecurity.security import WebSecurity
from collectors.base import Collector
from collectors.metrics import Family


class Sources:
    """What the daemon measures, and what `doctor` measures when there is no daemon.

    Args:
        config: What is measured, and how.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.refusal = ""
        """Why a newer configuration was refused; empty if none was."""
        self.security = WebSecurity(web_config_file(config))
        self.health = Health()
        self.supervisor = Supervisor(lambda: self.config.web.collect_timeout)
        self.sampler = Sampler(self.snapshot)

    def start(self) -> None:
        """Begin to run all collectors that the configuration wants."""
        for collector in self._build():
            self._add(collector)

    @property
    def names(self) -> tuple[str, ...]:
        """What a scrape may ask for: all collectors there can be, for one that is switched off is no mistake."""
        known = (*(entry.name for entry in catalog.CATALOG), *self.supervisor.supervised)
        return tuple(dict.fromkeys(known))

    @property
    def parts(self) -> dict[str, str]:
        """What else a scrape may ask for: the parts of collectors, and of which collector each is."""
        supervised = self.supervisor.supervised.items()
        return {part: name for name, it in supervised for part in it.collector.parts}

    def checks(self) -> list[tuple[str, str]]:
        """Name and title of every check that these sources have, whether they run or not."""
        return [(check.name, check.title) for collector in self._build() for check in collector.checks()]

    async def apply(self, new: Config) -> None:
        """Measure as another configuration says; collectors whose part of it is the same go on untouched."""
        old, self.config = self.config, new
        for entry in catalog.CATALOG:
            if entry.section(old) != entry.section(new):
                await self._replace(entry, old, new)

    async def snapshot(self, names: frozenset[str]) -> list[tuple[str, Sequence[Family]]]:
        """The families of the named collectors, and parts of some, that gave any.

        The agent's own come last, for they judge the others.
        """
        own = {OwnCollector.name}
        collectors = asked(names, self.parts)
        snapshots = await self.supervisor.snapshot(collectors - own) + await self.supervisor.snapshot(collectors & own)
        return [(name, self._selected(name, families, names)) for name, families in snapshots]

    async def stop(self) -> None:
        """Stop all collectors."""
        await self.supervisor.stop()

    def _selected(self, name: str, families: Sequence[Family], names: frozenset[str]) -> Sequence[Family]:
        supervised = self.supervisor.supervised.get(name)
        if name in names or supervised is None:  # as a whole, or removed meanwhile
            return families
        return chosen(families, names, supervised.collector.parts)

    def _build(self) -> list[Collector]:
        own = OwnCollector(
            self.supervisor,
            LoopMonitor(),
            outcomes=lambda: self.health.last,
            security=SecurityReport(self.security, lambda: self.config.web.listen),
            refusal=lambda: self.refusal,
        )
        return [*catalog.build(self.config), own]

    async def _replace(self, entry: catalog.Entry, old: Config, new: Config) -> None:
        if entry.enabled(old):
            self.health.remove(entry.name)
            await self.supervisor.remove(entry.name)
        if entry.enabled(new):
            self._add(entry.build(new))

    def _add(self, collector: Collector) -> None:
        self.supervisor.add(collector)
        self.health.add(collector)
