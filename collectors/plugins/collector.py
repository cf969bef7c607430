"""The plugins collector: it finds sockets, polls each, receives pushed pages, and exports all of them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import structlog

from collectors.base import Collector
from collectors.findings import Check
from collectors.metrics import Family
from collectors.offloop import NoThreadError, start
from collectors.plugins.checks import plugin_checks
from collectors.plugins.config import PluginsConfig
from collectors.plugins.families import foreign_families, gone_family, poll_families
from collectors.plugins.gone import Gone, gone_plugins
from collectors.plugins.instance import Instance
from collectors.plugins.plugin import Admission, Plugin
from collectors.plugins.polled import PolledInstance
from collectors.plugins.push.checks import push_checks
from collectors.plugins.push.listener import PushListener
from collectors.plugins.push.receiver import Receiver
from collectors.plugins.refusals import Reason
from collectors.plugins.render_times import RenderTimes, SlowestRender
from collectors.plugins.services import ServiceFile
from collectors.plugins.sockets import MOST_SOCKETS, UNNAMED, FoundSockets, SocketFile, default_directories, find
from collectors.plugins.state import GoneState, PluginsState, RejectedState, SocketState
from collectors.plugins.trust import Process, Trust, start_of
from collectors.plugins.view import PluginView, plugin_views
from collectors.restart_delay import RestartDelay

log = structlog.get_logger()

MOST_SERIES = 200_000
"""The limit of series of all plugins together: a page of 20 MB."""

_MOST_PLUGINS = MOST_SOCKETS + 256  # includes plugins whose instances all ended but whose totals are kept
_MOST_POLLED_AT_ONCE = 32
_SPARE_FILES = 256  # file descriptors that the rest of the agent needs
_FIRST_RESTART, _LONGEST_RESTART = 1.0, 60.0  # seconds before a failed server for pushes restarts

_Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Setting:
    """The part of the configuration that depends on the system.

    Attributes:
        trust: The trusted users.
        directories: The directories that are searched.
        own_start: The start of the agent's process.
        services: The values of the label `service` from before the agent's start, by plugin.
    """

    trust: Trust
    directories: tuple[Path, ...]
    own_start: float
    services: Mapping[str, str]


class PluginsCollector(Collector):
    """The collector of plugins' metrics.

    Args:
        config: The section `[plugins]`.
        state_directory: Where the plugins' services are kept over a restart; None to keep them in memory only.
        listener: The server for pushed pages; None for none.
    """

    name: ClassVar[str] = "plugins"
    reads_memory_only: ClassVar[bool] = True

    def __init__(
        self, config: PluginsConfig, state_directory: Path | None = None, listener: PushListener | None = None
    ) -> None:
        self._config = config
        self._service_file = ServiceFile(state_directory)
        self._services: Mapping[str, str] = {}
        self._setting: _Setting | None = None
        self._admission = Admission(config.max_samples)
        self._plugins: dict[str, Plugin] = {}
        self._instances: dict[_Key, PolledInstance] = {}
        self._tasks: dict[_Key, asyncio.Task[None]] = {}
        self._found = FoundSockets()
        self._first_round_is_over = False
        self._render_times = RenderTimes()
        self._listener = listener
        self._accepts_pushes = False
        self._receiver = Receiver(config.push, self._admission.names, self._plugin)

    def prepare(self) -> None:
        """Read the tokens and the TLS files for pushed pages.

        Raises:
            Exception: A file is unusable.
        """
        if self._listener:
            self._receiver.tokens.read()
            self._listener.prepare()

    def restore(self) -> None:
        """Let `run` accept pushes. `doctor` restores nothing, and must not accept a page instead of the agent."""
        self._accepts_pushes = True

    async def run(self) -> None:
        """Find and poll sockets, and receive pushes, until cancelled."""
        _allow_files()
        setting = await start(self._look_up, "look up users of plugins")
        self._services = setting.services
        try:
            async with asyncio.TaskGroup() as tasks:
                if self._listener and self._accepts_pushes:
                    tasks.create_task(self._receive(self._listener), name="receive pushes")
                    tasks.create_task(self._follow_tokens(), name="follow tokens")
                while True:
                    self._found = await start(lambda: find(setting.directories, setting.trust), "find plugins")
                    self._follow(self._found, setting, tasks)
                    self._count_refused(self._found)
                    await self._keep_services()
                    self._receiver.expire()
                    self._admission.full = self._series() >= MOST_SERIES
                    if self._render_times.is_due(time.monotonic()):
                        self._render_times.look(self.view(), time.monotonic())
                    await asyncio.sleep(self._config.interval)
        finally:
            for key in [*self._instances]:
                self._leave(key)

    def collect(self) -> Iterable[Family]:
        """Return the plugins' metrics; none before each socket was polled once, since sums of some would jump."""
        plugins, instances = list(self._plugins.values()), self._all_instances()
        self._first_round_is_over = self._first_round_is_over or self._all_were_asked()
        own = [*poll_families(plugins, instances), *(self._listener.families() if self._listener else ())]
        if not self._first_round_is_over:
            return own
        return [*foreign_families(plugins, instances, self._receiver.overruled), *own, gone_family(self._gone())]

    def view(self) -> tuple[PluginView, ...]:
        """Return the live values of all polled plugins."""
        views = plugin_views(list(self._plugins.values()), self._all_instances())
        return tuple(replace(view, recent=self._render_times.recent(view.name)) for view in views)

    async def slowest_renders(self, start: float, end: float) -> list[tuple[int, SlowestRender]]:
        """Return the slowest render of each plugin around a time, with its process; polls those that render now.

        A plugin with instances in several processes is left out, because its times are those of all.

        Args:
            start: The start of that time, in monotonic seconds.
            end: Its end, in the past.
        """
        rendering = {view.name for view in self.view() if view.render is not None}
        polled = [it for it in self._instances.values() if it.plugin.name in rendering and it.pid]
        pids: dict[str, set[int]] = {}
        for instance in polled:
            pids.setdefault(instance.plugin.name, set()).add(instance.pid)
        await asyncio.gather(*(instance.poll() for instance in polled[:_MOST_POLLED_AT_ONCE]))
        self._render_times.look(self.view(), time.monotonic())
        slowest = self._render_times.slowest(start, end)
        return [(min(pids[it.plugin]), it) for it in slowest if len(pids.get(it.plugin, ())) == 1]

    def checks(self) -> Sequence[Check]:
        """Return the checks of the sockets, of the answers and of pushes."""
        sockets = plugin_checks(
            lambda: self._found,
            self._all_instances,
            self._gone,
            lambda: self._look_up().trust.unknown,
            self._render_times.late,
        )
        if self._listener is None:
            return sockets
        return (*sockets, *push_checks(self._receiver), *self._listener.checks())

    def state(self) -> PluginsState:
        """Return what is polled, refused and missing."""
        return PluginsState(
            directories=[str(path) for path in self._setting.directories] if self._setting else [],
            sockets=[_socket_state(it) for it in self._all_instances() if not (it.last and it.last.gone)],
            gone=[GoneState(it.plugin, it.service, it.reason.value, it.missing) for it in self._gone() if it.missing],
            rejected=[
                RejectedState(plugin.name, reason.value, count, plugin.refusals.details[reason])
                for plugin in self._plugins.values()
                for reason, count in plugin.refusals.counts.items()
            ],
        )

    def left_out(self, families: Mapping[str, str]) -> None:
        """Count each family that contradicts one of the agent's own, by plugin."""
        if not families:
            return
        polls = [(it.plugin, it.last.plan) for it in self._all_instances() if it.last and it.last.plan]
        reported = {(plugin, gauge.head.name) for plugin, plan in polls for gauge in plan.gauges}
        reported |= {(plugin, name) for plugin in self._plugins.values() for name, _, _ in plugin.series}
        for plugin, name in reported:
            if name in families:
                plugin.refusals.add(Reason.CONTRADICTS_AGENT, families[name])

    def _look_up(self) -> _Setting:
        """Return the setting. This asks the system for users, so call it off the event loop."""
        if self._setting is None:
            trust = Trust.of(self._config.users)
            directories = [Path(path) for path in self._config.directories] or default_directories(trust.uids)
            self._setting = _Setting(trust, tuple(directories), start_of(os.getpid()), self._service_file.read())
        return self._setting

    async def _receive(self, listener: PushListener) -> None:
        """Receive pushes until cancelled. A failure of the server costs pushes only."""
        delay = RestartDelay(_FIRST_RESTART, _LONGEST_RESTART)
        while True:
            began = time.monotonic()
            try:
                await listener.serve(self._receiver)
            except Exception:
                log.exception("the server for pushes failed; it restarts")
            await asyncio.sleep(delay.after(time.monotonic() - began))

    async def _follow_tokens(self) -> None:
        """Read changed tokens until cancelled. A disk that hangs costs new tokens only."""
        while True:
            await asyncio.sleep(self._config.interval)
            with contextlib.suppress(NoThreadError):
                await start(self._receiver.tokens.refresh, "read tokens of pushes")

    def _all_instances(self) -> list[Instance]:
        """Return what is polled and what pushes. A copy, which any thread may take."""
        return [*self._instances.copy().values(), *self._receiver.instances]

    def _follow(self, found: FoundSockets, setting: _Setting, tasks: asyncio.TaskGroup) -> None:
        for key, instance in [*self._instances.items()]:
            if key not in found.sockets or found.sockets[key].identity != instance.file.identity:
                self._leave(key)
        for key in sorted(found.sockets.keys() - self._instances.keys()):
            made = self._instances[key] = self._instance(found.sockets[key], setting)
            self._tasks[key] = tasks.create_task(made.run(), name=f"poll {made.file.path}")

    def _instance(self, file: SocketFile, setting: _Setting) -> PolledInstance:
        def ran_before(process: Process) -> bool:
            return self._first_round_is_over and 0 < process.start < setting.own_start

        return PolledInstance(file, self._plugin(file.plugin), self._config, setting.trust, ran_before)

    async def _keep_services(self) -> None:
        """Keep the services of plugins that have a socket or are expected, if they changed."""
        kept = {it.plugin.name for it in self._all_instances()} | set(self._config.expected)
        known = {**self._services, **{name: it.service for name, it in self._plugins.items() if it.service}}
        services = {name: service for name, service in known.items() if name in kept}
        if services != self._services:
            self._services = services
            await start(lambda: self._service_file.write(services), "keep services of plugins")

    def _leave(self, key: _Key) -> None:
        """Stop polling a socket; its counts stay in the totals."""
        instance = self._instances.pop(key)
        instance.plugin.free_number(instance.number)
        self._tasks.pop(key).cancel()

    def _plugin(self, name: str) -> Plugin:
        if name not in self._plugins:
            self._forget_plugins()
            self._plugins[name] = Plugin(name, self._admission)
        return self._plugins[name]

    def _forget_plugins(self) -> None:
        """Forget the oldest plugins without an instance if there are too many."""
        live = {instance.plugin.name for instance in self._all_instances()}
        ended = [name for name in self._plugins if name not in live]
        for name in ended[: max(len(self._plugins) + 1 - _MOST_PLUGINS, 0)]:
            del self._plugins[name]

    def _count_refused(self, found: FoundSockets) -> None:
        """Count refused files by known plugin; a file's name makes no new plugin, since others choose it."""
        for file in found.refused:
            plugin = self._plugins.get(file.plugin) or self._plugin(UNNAMED)
            plugin.refusals.add(file.reason, file.detail)

    def _all_were_asked(self) -> bool:
        return self._found.looked and all(instance.last for instance in self._instances.copy().values())

    def _gone(self) -> list[Gone]:
        """Return what is missing; nothing before each socket was polled once."""
        if not self._first_round_is_over:
            return []
        now = {name: plugin.service for name, plugin in [*self._plugins.items()] if plugin.service}
        return gone_plugins(self._all_instances(), self._config.expected, {**self._services, **now})

    def _series(self) -> int:
        gauges = sum(len(it.last.gauges) for it in self._instances.values() if it.last)
        return gauges + sum(len(plugin.series) for plugin in self._plugins.values())


def _allow_files() -> None:
    """Raise the limit of open files to the number of sockets, as far as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_SOCKETS + _SPARE_FILES
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))


def _socket_state(instance: Instance) -> SocketState:
    last = instance.last
    refused = last.refused if last else ()
    problem = last.failure.detail if last and last.failure else "; ".join(refusal.detail for refusal in refused[:3])
    return SocketState(
        plugin=instance.plugin.name,
        instance=instance.number,
        path=instance.place,
        pid=instance.pid,
        up=bool(last and last.plan),
        duration=last.duration if last else 0.0,
        samples=last.plan.template.samples if last and last.plan else 0,
        problem=problem,
    )
