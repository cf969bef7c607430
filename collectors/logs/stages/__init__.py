"""The stages of a pipeline, one module each."""

from __future__ import annotations

from collectors.logs.stages.config import StageConfig
from collectors.logs.stages.container import ContainerConfig
from collectors.logs.stages.drop import DropConfig
from collectors.logs.stages.json import JsonConfig
from collectors.logs.stages.labels import LabelsConfig
from collectors.logs.stages.level import LevelConfig
from collectors.logs.stages.logfmt import LogfmtConfig
from collectors.logs.stages.metrics import MetricsConfig
from collectors.logs.stages.multiline import MultilineConfig
from collectors.logs.stages.output import OutputConfig
from collectors.logs.stages.redact import RedactConfig
from collectors.logs.stages.regex import RegexConfig
from collectors.logs.stages.sample import SampleConfig
from collectors.logs.stages.static_labels import StaticLabelsConfig
from collectors.logs.stages.structured_metadata import StructuredMetadataConfig
from collectors.logs.stages.timestamp import TimestampConfig
from collectors.logs.stages.truncate import TruncateConfig

STAGES: dict[str, type[StageConfig]] = {
    "json": JsonConfig,
    "logfmt": LogfmtConfig,
    "regex": RegexConfig,
    "container": ContainerConfig,
    "timestamp": TimestampConfig,
    "level": LevelConfig,
    "labels": LabelsConfig,
    "structured_metadata": StructuredMetadataConfig,
    "static_labels": StaticLabelsConfig,
    "multiline": MultilineConfig,
    "drop": DropConfig,
    "redact": RedactConfig,
    "sample": SampleConfig,
    "truncate": TruncateConfig,
    "output": OutputConfig,
    "metrics": MetricsConfig,
}
"""The key of each stage in a source's `stages`, and what may be said under it."""
