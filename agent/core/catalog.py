"""The list of all collectors: the only place where `agent` names them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from agent.config.locations import state_directory
from agent.config.schema import Config
from collectors.audio.collector import AudioCollector
from collectors.base import Collector
from collectors.host.collector import HostCollector


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


def _containers(config: Config) -> Collector:
    from collectors.containers.collector import ContainersCollector  # loads an HTTP client, which only this needs

    return ContainersCollector(config.containers)


def _plugins(config: Config) -> Collector:
    from collectors.plugins.collector import PluginsCollector  # optional on a machine without plugins

    return PluginsCollector(config.plugins)


def _logs(config: Config) -> Collector:
    from collectors.logs.collector import LogsCollector  # loads an HTTP client, which only this needs

    return LogsCollector(config.logs, config.loki, state_directory(config))


CATALOG: tuple[Entry, ...] = (
    Entry(
        name=AudioCollector.name,
        section=lambda config: config.audio,
        enabled=lambda config: config.audio.observers != "off",
        build=lambda config: AudioCollector(config.audio),
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
        enabled=lambda config: config.containers.measure != "off",
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
        section=lambda config: (config.logs, config.loki),
        enabled=lambda config: bool(config.logs.sources),
        build=_logs,
    ),
)


def build(config: Config) -> list[Collector]:
    """Return the collectors that the configuration enables, in the order of the list."""
    return [entry.build(config) for entry in CATALOG if entry.enabled(config)]
