"""The configuration for doctor: the file's, or its usable part with a finding."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from agent.config import loader, locations
from agent.config.decode import ConfigError
from agent.config.schema import Config, WebConfig
from agent.web.security.web_security import WebSecurity
from collectors.address import Address
from collectors.findings import Finding, Severity
from collectors.logs.config import LogsConfig


@dataclass(frozen=True, slots=True)
class Settings:
    """A usable configuration.

    Attributes:
        path: Its file; `None` for the built-in defaults.
        config: Its settings. Of a broken file only `state_dir` and `web.listen`.
        findings: Its problems.
    """

    path: Path | None
    config: Config
    findings: tuple[Finding, ...] = ()


def read(given: str | None) -> Settings:
    """Return the usable part of the agent's configuration.

    Args:
        given: The file that the user named, if any.
    """
    path = locations.find(given)
    try:
        loaded = loader.load(path)
    except ConfigError as error:
        return Settings(path, _salvaged(path), (_unusable(error),))
    problem = WebSecurity.of(locations.web_config_file(loaded)).problem
    return Settings(path, loaded, (_unusable(problem),) if problem else ())


def _salvaged(path: Path | None) -> Config:
    try:
        said = loader.plain(loader.read_text(path), str(path)) if path else {}
    except ConfigError:
        return Config()
    web = said.get("web")
    listen = web.get("listen") if isinstance(web, dict) else None
    state_dir = said.get("state_dir")
    return Config(state_dir=state_dir if isinstance(state_dir, str) else "", web=_web(listen))


def _web(listen: object) -> WebConfig:
    try:
        return WebConfig(listen=Address.parse(str(listen))) if listen else WebConfig()
    except ValueError:
        return WebConfig()


def _unusable(error: Exception) -> Finding:
    return Finding(
        code="config-invalid",
        title="The configuration cannot be used",
        severity=Severity.FAILURE,
        detail=str(error),
        affects="The agent does not start with it. The findings below are for the built-in defaults.",
        remedy=("wr-agent check-config",),
    )


def without_logs(loaded: Config) -> Config:
    """Return the configuration without logs, since tailing them sends lines and moves positions."""
    return msgspec.structs.replace(loaded, logs=LogsConfig(enabled=False))
