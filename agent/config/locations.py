"""The paths of the configuration file, the web configuration file and the state directory."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from agent.config.schema import Config


def default_path() -> Path:
    """Return the default path of this platform's configuration file."""
    if sys.platform == "darwin":
        return Path.home() / "Library/Application Support/wr-agent/config.toml"
    return Path("/etc/wr-agent/config.toml")


def find(given: str | None) -> Path | None:
    """Return the file to read: `given`, else `$WR_AGENT_CONFIG`, else the platform's if it exists, else `None`."""
    named = given or os.environ.get("WR_AGENT_CONFIG")
    if named:
        return Path(named)
    return default_path() if default_path().exists() else None


def web_config_file(config: Config) -> Path | None:
    """Return the web configuration file; `None` if the configuration names none."""
    return Path(config.web.config_file).expanduser() if config.web.config_file else None


def state_directory(config: Config) -> Path:
    """Return the directory of persistent state: `state_dir`, else the service manager's or the user's default."""
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
