"""The list of all collectors: the only place where `agent` names them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from agent.config.decode import ConfigError, Problem
from agent.config.locations import state_directory
from agent.config.schema import Config
from agent.core import own_logs
from collectors.audio.causes.reading import Answer, Query, find
from collectors.base import Collector
from collectors.host.collector import HostCollector
from collectors.plain_errors import unexpected


@dataclass(frozen=True, slots=True)
class Entry:
    """One available collector.

    Attributes:
        name: The collector's name.
        section: Returns its part of the configuration. A reload replaces the collector only if this part changed.
        enabled: Returns True if the configuration enables it.
        build: Constructs it.
    """

    name: str
    section: Callable[[Config], object]
    enabled: Callable[[Config], bool]
    build: Callable[[Config], Collector]


def _audio(config: Config) -> Collector:
    from collectors.audio.collector import AudioCollector  # optional on a machine without audio

    return AudioCollector(config.audio, state_directory(config))


def _containers(config: Config) -> Collector:
    from collectors.containers.collector import ContainersCollector  # optional on a machine without containers

    return ContainersCollector(config.containers)


def _plugins(config: Config) -> Collector:
    from collectors.plugins.collector import PluginsCollector  # optional on a machine without plugins

    if not config.plugins.push.enabled:
        return PluginsCollector(config.plugins, state_directory(config))
    from agent.web.push_server import PushServer  # optional on a machine to which no app pushes

    return PluginsCollector(config.plugins, state_directory(config), PushServer(config.plugins.push))


def _logs(config: Config) -> Collector:
    from collectors.logs.collector import LogsCollector  # loads an HTTP client, which only this needs

    return LogsCollector(own_logs.logs(config), config.loki, state_directory(config), config.machine_name)


CATALOG: tuple[Entry, ...] = (
    Entry(
        name="audio",
        section=lambda config: config.audio,
        enabled=lambda config: config.audio.enabled,
        build=_audio,
    ),
    Entry(
        name=HostCollector.name,
        section=lambda config: (config.host, config.web.collect_timeout),
        enabled=lambda config: config.host.enabled,
        build=lambda config: HostCollector(config.host, collect_timeout=config.web.collect_timeout),
    ),
    Entry(
        name="containers",
        section=lambda config: config.containers,
        enabled=lambda config: config.containers.enabled,
        build=_containers,
    ),
    Entry(
        name="plugins",
        section=lambda config: config.plugins,
        enabled=lambda config: config.plugins.enabled,
        build=_plugins,
    ),
    Entry(
        name="logs",
        section=lambda config: (own_logs.logs(config), config.loki, config.machine_name),
        enabled=lambda config: config.logs.enabled and bool(own_logs.logs(config).sources),
        build=_logs,
    ),
)


def prepare(entries: Iterable[Entry], config: Config) -> dict[str, Collector]:
    """Build the collectors of these entries and read the files that they need. Blocks on the disk.

    Raises:
        ConfigError: Files are unusable; it has one problem for each collector.
    """
    prepared: dict[str, Collector] = {}
    problems = []
    for entry in entries:
        try:
            prepared[entry.name] = collector = entry.build(config)
            collector.prepare()
        except Exception as error:  # noqa: BLE001 - whatever a file does to a collector is a refusal
            text = str(error) if isinstance(error, ValueError) else unexpected(error)
            problems += [Problem(entry.name, line) for line in text.splitlines() or [unexpected(error)]]
    if problems:
        raise ConfigError("configuration", problems)
    return prepared


async def problems(config: Config) -> list[ConfigError]:
    """Return the problems with files that the collectors of a configuration need. Blocks on the disk.

    A file that the agent waits for at run time, such as the password for a receiver, is a problem here too.
    """
    found = []
    try:
        prepare([entry for entry in CATALOG if entry.enabled(config)], config)
    except ConfigError as error:
        found.append(error)
    for receiver in (config.loki, config.remote_write):
        if receiver.url:
            from collectors.http_push import access

            try:
                access.load(receiver)
            except access.AccessError as error:
                problem = Problem(receiver.section, str(error).removeprefix(f"{receiver.section}."))
                found.append(ConfigError("configuration", [problem]))
    return found


def dropouts(collector: Collector | None, config: Config) -> Callable[[Query], Answer]:
    """Return the search in the events of dropouts, which blocks on the disk.

    Args:
        collector: The running audio collector; None if there is none.
        config: The configuration, which names the directory of the events.
    """
    if collector is not None:
        from collectors.audio.collector import AudioCollector  # loaded, since it runs

        if isinstance(collector, AudioCollector):
            return collector.dropouts
    return partial(find, state_directory(config))


def connect(collector: Collector, plugins: Callable[[], Collector | None]) -> None:
    """Let the evidence of dropouts include the render times of plugins.

    Args:
        collector: A new collector.
        plugins: Function that returns the running collector of plugins; None if there is none.
    """
    if collector.name != "audio":
        return
    from collectors.audio.causes.evidence import PluginTime
    from collectors.audio.collector import AudioCollector  # loaded, since it was built

    async def render_times(start_ns: int, end_ns: int) -> tuple[PluginTime, ...]:
        running = plugins()
        if running is None:
            return ()
        from collectors.plugins.collector import PluginsCollector  # loaded, since it runs

        if not isinstance(running, PluginsCollector):
            return ()
        found = await running.slowest_renders(start_ns / 1e9, end_ns / 1e9)
        return tuple(
            PluginTime(pid=pid, plugin=it.plugin, slowest_ms=it.seconds * 1000, over=it.over) for pid, it in found
        )

    if isinstance(collector, AudioCollector):
        collector.ask_plugins(render_times)


def build(config: Config) -> list[Collector]:
    """Return the collectors that the configuration enables, in the order of the list."""
    return [entry.build(config) for entry in CATALOG if entry.enabled(config)]
