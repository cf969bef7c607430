"""The log source of the agent itself: the events of dropouts, which reach Loki without a line of configuration."""

from __future__ import annotations

import fnmatch

from msgspec.structs import replace

from agent.config.locations import state_directory
from agent.config.schema import Config
from collectors.audio.causes.reading import EVENTS
from collectors.logs.config import LogsConfig, SourceConfig
from collectors.logs.stages.json import JsonConfig
from collectors.logs.stages.structured_metadata import StructuredMetadataConfig
from collectors.logs.stages.timestamp import TimestampConfig

DROPOUTS = "audio_dropouts"
"""The name of the source, and the value of its label `source`."""


def logs(config: Config) -> LogsConfig:
    """Return the section `[logs]` with the events of dropouts, if there are any and Loki is configured.

    A configured source of the same name or of the same file replaces it.
    """
    path = str(state_directory(config).absolute() / EVENTS)
    configured = any(
        source.name == DROPOUTS or any(fnmatch.fnmatch(path, pattern) for pattern in source.paths)
        for source in config.logs.sources
    )
    if configured or not (config.loki.url and config.audio.enabled):
        return config.logs
    return replace(config.logs, sources=[*config.logs.sources, _dropouts(path)])


def _dropouts(path: str) -> SourceConfig:
    return SourceConfig(
        name=DROPOUTS,
        paths=[path],
        stages=[
            JsonConfig(fields=["at", "id", "device", "cause"]),
            TimestampConfig(field="at"),
            StructuredMetadataConfig(fields=["id", "device", "cause"]),
        ],
    )
