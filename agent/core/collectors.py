"""The collectors of one configuration, including the agent's own, supervised and diagnosed together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import structlog

from agent import __version__
from agent.config.decode import ConfigError, Problem
from agent.config.locations import state_directory, web_config_file
from agent.config.schema import Config
from agent.core import catalog
from agent.core.health import Health
from agent.core.loop_monitor import LoopMonitor
from agent.core.own_metrics import OwnMetrics
from agent.core.supervisor import Supervisor
from agent.exposition.formats import Encoding, Format
from agent.exposition.selection import Selectable, asked, chosen, select
from agent.exposition.shared import SharedExposition
from agent.live.events import EventStreams
from agent.live.sample import AgentHealth, CollectorHealth
from agent.live.sampler import Sampler
from agent.web.pages import Pages
from agent.web.security.report import SecurityReport
from agent.web.security.web_security import WebSecurity
from collectors.audio.causes.reading import Answer, Query
from collectors.base import Collector
from collectors.metrics import Family
from collectors.offloop import within

if TYPE_CHECKING:
    from agent.push.remote_write import RemoteWrite

PREPARE_DEADLINE = 15.0
"""Seconds for the collectors to read their files."""

RESTORE_DEADLINE = 5.0
"""Seconds for a collector to restore its state. Later it is added without running, until the state is read."""

DROPOUTS_DEADLINE = 10.0
"""Seconds for a search in the events of dropouts, one at a time."""

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Prepared:
    """A configuration that can take effect, because its new collectors have read their files."""

    config: Config
    collectors: dict[str, Collector]


class Collectors:
    """The collectors of the daemon, and of `doctor` when no daemon runs.

    Args:
        config: The configuration.
        path: Its file; `None` for the built-in defaults.
        with_state: Let the collectors restore the state of an earlier run, and save it.
    """

    def __init__(self, config: Config, path: Path | None = None, *, with_state: bool = True) -> None:
        self.config = config
        self._with_state = with_state
        self.refusal = ""
        """The reason why the last reload was refused; empty if it was accepted."""
        self.security = WebSecurity(web_config_file(config))
        self.health = Health(path)
        self.supervisor = Supervisor(lambda: self.config.web.collect_timeout)
        self.sampler = Sampler(self.supervisor.views)
        self._search = asyncio.Lock()
        # The supervisor learns which families could not be rendered: `wr_agent_collector_up` covers both steps.
        self._exposition = SharedExposition(self.snapshot, self.supervisor.judge_rendering)
        self._pushing: RemoteWrite | None = None

    async def start(self) -> None:
        """Read the web configuration and start all collectors that the configuration enables.

        Raises:
            ConfigError: A file that a collector needs is unusable.
        """
        await self.security.read()
        await self.begin(await self.prepare(self.config))

    async def begin(self, prepared: Prepared) -> None:
        """Start the prepared collectors and the agent's own one."""
        for collector in (*prepared.collectors.values(), self._own()):
            await self._add(collector)
        if prepared.config.remote_write.url and self._with_state:
            self._pushing = self._push()
            await self._add(self._pushing)

    @property
    def selectable(self) -> Selectable:
        """The names that a scrape may select, including those of collectors that are switched off."""
        supervised = self.supervisor.supervised
        names = dict.fromkeys((*(entry.name for entry in catalog.CATALOG), *supervised))
        parts = {part: name for name, it in supervised.items() for part in it.collector.parts}
        return Selectable(tuple(names), parts)

    @property
    def agent_health(self) -> AgentHealth:
        """The health of the collectors, and the findings of the last round of checks."""
        outcomes = self.health.last
        return AgentHealth(
            host=self.config.machine_name,
            version=__version__,
            config_error=self.refusal,
            collectors=[CollectorHealth(name, it.error) for name, it in self.supervisor.supervised.items()],
            checks=len(outcomes),
            findings=[finding for outcome in outcomes for finding in outcome.findings],
        )

    def pages(self, status: Callable[[], Awaitable[msgspec.Struct]]) -> Pages:
        """Return the request handlers that serve these collectors.

        Args:
            status: Returns the document of `/-/status`.
        """
        return Pages(
            self._exposition,
            EventStreams(self.sampler, lambda: self.agent_health),
            selectable=lambda: self.selectable,
            ready=lambda: bool(self.supervisor.supervised),
            status=status,
            dropouts=self.dropouts,
        )

    async def dropouts(self, query: Query) -> Answer:
        """Return the events of dropouts that match: those of the audio collector, or of its files while it is off.

        Raises:
            TimeoutError: The disk does not answer.
        """
        audio = self.supervisor.supervised.get("audio")
        search = catalog.dropouts(audio.collector if audio else None, self.config)
        async with self._search:
            return await within(DROPOUTS_DEADLINE, lambda: search(query), "find dropouts")

    def checks(self) -> list[tuple[str, str]]:
        """Return the name and title of every check, including those of collectors that do not run."""
        every = [*(entry.build(self.config) for entry in catalog.CATALOG), self._own(), self._push()]
        return [(check.name, check.title) for collector in every for check in collector.checks()]

    async def prepare(self, new: Config) -> Prepared:
        """Build the collectors that a configuration adds or changes, and read all their files off the event loop.

        Raises:
            ConfigError: A file is unusable, or cannot be read in time. Nothing has changed.
        """
        running, old = self.supervisor.supervised, self.config
        wanted = [entry for entry in catalog.CATALOG if entry.enabled(new)]
        changed = [it for it in wanted if it.name not in running or it.section(old) != it.section(new)]
        try:
            return Prepared(
                new, await within(PREPARE_DEADLINE, lambda: catalog.prepare(changed, new), "prepare collectors")
            )
        except TimeoutError:
            problem = Problem("files", f"cannot be read within {PREPARE_DEADLINE:g} s; check the disk")
            raise ConfigError("configuration", [problem]) from None

    async def apply(self, prepared: Prepared) -> None:
        """Put a prepared configuration into effect; collectors whose section is unchanged continue undisturbed."""
        old, self.config, new = self.config, prepared.config, prepared.config
        for entry in catalog.CATALOG:
            replacement = prepared.collectors.get(entry.name)
            if entry.name in self.supervisor.supervised and (replacement or not entry.enabled(new)):
                self.health.remove(entry.name)
                await self.supervisor.remove(entry.name)
            if replacement:
                await self._add(replacement)
        await self._apply_push(old, new)

    async def _apply_push(self, old: Config, new: Config) -> None:
        """Replace the push if its settings have changed."""
        if _push_settings(old) == _push_settings(new):
            return
        if self._pushing:
            if not new.remote_write.url:
                self._pushing.end()
            self.health.remove(self._pushing.name)
            await self.supervisor.remove(self._pushing.name)
            self._pushing = None
        if new.remote_write.url:
            self._pushing = self._push()
            await self._add(self._pushing)

    async def snapshot(self, names: frozenset[str]) -> list[tuple[str, Sequence[Family]]]:
        """Return the families of the named collectors and parts, without the collectors that failed.

        The agent's own families come last because they report on the others.
        """
        own = {OwnMetrics.name}
        collectors = asked(names, self.selectable.parts)
        snapshots = await self.supervisor.snapshot(collectors - own) + await self.supervisor.snapshot(collectors & own)
        return [(name, self._selected(name, families, names)) for name, families in snapshots]

    async def stop(self) -> None:
        """Stop all collectors. The push ends its series at the receiver."""
        if self._pushing:
            self._pushing.end()
        await self.supervisor.stop()

    def _push(self) -> RemoteWrite:
        from agent.push.remote_write import RemoteWrite  # optional on a machine that is scraped

        config = self.config
        return RemoteWrite(config.remote_write, state_directory(config), config.machine_name, self._pushed_page)

    async def _pushed_page(self, collect: Sequence[str], exclude: Sequence[str]) -> bytes:
        """Return the page of a scrape with this selection."""
        names = select(collect, exclude, self.selectable)
        return await self._exposition.page(Format.TEXT, Encoding.IDENTITY, names)

    def _selected(self, name: str, families: Sequence[Family], names: frozenset[str]) -> Sequence[Family]:
        supervised = self.supervisor.supervised.get(name)
        if name in names or supervised is None:  # selected as a whole, or just removed
            return families
        return chosen(families, names, supervised.collector.parts)

    def _build(self) -> list[Collector]:
        return [*catalog.build(self.config), self._own()]

    def _own(self) -> Collector:
        return OwnMetrics(
            self.supervisor,
            LoopMonitor(),
            outcomes=lambda: self.health.last,
            security=SecurityReport(self.security, lambda: self.config.web.listen),
            refusal=lambda: self.refusal,
        )

    def _plugins(self) -> Collector | None:
        running = self.supervisor.supervised.get("plugins")
        return running.collector if running else None

    async def _add(self, collector: Collector) -> None:
        restored = asyncio.ensure_future(_restore(collector)) if self._with_state else None
        if restored:
            await asyncio.wait({restored}, timeout=RESTORE_DEADLINE)
        catalog.connect(collector, self._plugins)
        self.supervisor.add(collector, restored)
        self.health.add(collector)


def _push_settings(config: Config) -> object:
    return config.remote_write, config.machine_name


async def _restore(collector: Collector) -> None:
    try:
        await within(None, collector.restore, f"restore {collector.name}")
    except Exception:  # the state of one collector must not stop the others
        logger.exception("collector starts without its state", collector=collector.name)
