"""The configuration: its typed shape, where its file is looked for, and reading it.

The sections of the collectors are the collectors' own structs. What each key means to a user is said in
`config.example.toml`, which a test holds against these defaults.
"""

from __future__ import annotations

import os
import sys
import tomllib
from pathlib import Path
from typing import Literal

import msgspec

from agent.address import Address
from agent.decode import Problem, decode
from collectors.audio.config import AudioConfig
from collectors.containers.config import ContainersConfig
from collectors.host.config import HostConfig
from collectors.logs.config import LogsConfig
from collectors.logs.loki.config import LokiConfig
from collectors.plugins.config import PluginsConfig
from collectors.units import Duration

_MAX_BYTES = 1 << 20


class WebConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[web]`: where the agent is scraped and looked at."""

    listen: Address = Address("127.0.0.1", 9787)
    config_file: str = ""
    collect_timeout: Duration = Duration(2.0)


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole configuration."""

    state_dir: str = ""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "console", "json"] = "auto"
    web: WebConfig = WebConfig()
    audio: AudioConfig = AudioConfig()
    host: HostConfig = HostConfig()
    containers: ContainersConfig = ContainersConfig()
    plugins: PluginsConfig = PluginsConfig()
    logs: LogsConfig = LogsConfig()
    loki: LokiConfig = LokiConfig()

    def __post_init__(self) -> None:
        """Refuse sections that do not go together.

        Raises:
            ValueError: With what is missing.
        """
        if self.logs.sources and not self.loki.url:
            raise ValueError("logs.sources have nowhere to go; set loki.url, such as 'http://127.0.0.1:3100'")


class ConfigError(Exception):
    """A configuration that cannot be used. `str()` of it is one line a problem."""

    def __init__(self, source: str, problems: list[Problem]) -> None:
        super().__init__("\n".join(f"{source}: {problem}" for problem in problems))
        self.source = source
        self.problems = problems


def default_path() -> Path:
    """Where this platform's configuration file is, unless the user says otherwise."""
    if sys.platform == "darwin":
        return Path.home() / "Library/Application Support/wr-agent/config.toml"
    return Path("/etc/wr-agent/config.toml")


def find(given: str | None) -> Path | None:
    """The file to read: `given`, else `$WR_AGENT_CONFIG`, else the platform's if it exists, else `None`."""
    named = given or os.environ.get("WR_AGENT_CONFIG")
    if named:
        return Path(named)
    return default_path() if default_path().exists() else None


def load(path: Path | None) -> Config:
    """Read and check a configuration file; the built-in defaults for `None`.

    Raises:
        ConfigError: The file cannot be read, is no TOML, or says something that cannot be used.
    """
    if path is None:
        return Config()
    return parse(read_text(path), str(path))


def parse(text: str, source: str) -> Config:
    """The configuration that `text` writes. `source` names it in errors.

    Raises:
        ConfigError: As for `load`.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(source, [Problem("TOML", str(error))]) from error
    config, problems = decode(Config, data)
    if config is None:
        raise ConfigError(source, problems)
    return config


def web_config_file(config: Config) -> Path | None:
    """The file that says who may talk to the agent's port, if there is one."""
    return Path(config.web.config_file).expanduser() if config.web.config_file else None


def state_directory(config: Config) -> Path:
    """Where what must survive a restart is kept: `state_dir`, else the service manager's or the user's place."""
    if config.state_dir:
        return Path(config.state_dir).expanduser()
    given = os.environ.get("STATE_DIRECTORY")  # set by systemd's StateDirectory=
    if given:
        return Path(given)
    if sys.platform == "darwin":
        return Path.home() / "Library/Application Support/wr-agent/state"
    if os.geteuid() == 0:
        return Path("/var/lib/wr-agent")
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "wr-agent"


def read_text(path: Path) -> str:
    """The text of a configuration file.

    Raises:
        ConfigError: It cannot be read, is no UTF-8, or larger than any configuration.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_BYTES + 1)
    except OSError as error:
        message = f"cannot be read: {error.strerror}; check the path and its permissions"
        raise ConfigError(str(path), [Problem("file", message)]) from error
    if len(raw) > _MAX_BYTES:
        raise ConfigError(str(path), [Problem("file", f"expected a configuration of at most {_MAX_BYTES} bytes")])
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise ConfigError(str(path), [Problem("file", f"expected UTF-8 text: {error}")]) from error
