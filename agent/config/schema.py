"""The schema of the configuration.

The collectors own the structs of their sections. `config.example.toml` documents each key for users. A test compares it
with these defaults.
"""

from __future__ import annotations

import socket
from typing import Literal

import msgspec

from agent.config.host_name import HostName
from agent.config.remote_write import RemoteWriteConfig
from collectors.address import Address
from collectors.audio.config import AudioConfig
from collectors.containers.config import ContainersConfig
from collectors.host.config import HostConfig
from collectors.logs.config import LogsConfig
from collectors.logs.loki.config import LokiConfig
from collectors.plugins.config import PluginsConfig
from collectors.units import Duration

SHORTEST_COLLECT_TIMEOUT = 0.1


class WebConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The section `[web]`: the HTTP server for scrapes and the status page."""

    listen: Address = Address("127.0.0.1", 9787)
    hosts: tuple[HostName, ...] = ()
    config_file: str = ""
    collect_timeout: Duration = Duration(2.0)

    def __post_init__(self) -> None:
        """Check the timeout.

        Raises:
            ValueError: It is too short for any snapshot.
        """
        if self.collect_timeout < SHORTEST_COLLECT_TIMEOUT:
            raise ValueError(
                f"expected a collect_timeout of at least {SHORTEST_COLLECT_TIMEOUT:g}s, got {self.collect_timeout:g}s"
            )

    @property
    def names(self) -> tuple[str, ...]:
        """The host names of this agent."""
        return (*self.hosts, self.listen.host.lower())


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole configuration."""

    state_dir: str = ""
    machine: str = ""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "console", "json"] = "auto"
    web: WebConfig = WebConfig()
    audio: AudioConfig = AudioConfig()
    host: HostConfig = HostConfig()
    containers: ContainersConfig = ContainersConfig()
    plugins: PluginsConfig = PluginsConfig()
    logs: LogsConfig = LogsConfig()
    loki: LokiConfig = LokiConfig()
    remote_write: RemoteWriteConfig = RemoteWriteConfig()

    @property
    def machine_name(self) -> str:
        """The name of this machine at the centre: in the labels of log streams and of pushed metrics."""
        return self.machine or socket.gethostname()

    def __post_init__(self) -> None:
        """Refuse sections that contradict each other.

        Raises:
            ValueError: A section lacks a key that another one needs.
        """
        if self.logs.sources and not self.loki.url:
            raise ValueError("logs.sources need a destination; set loki.url, such as 'http://127.0.0.1:3100'")
