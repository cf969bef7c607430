"""Loki's access and limits, compared with the configuration. Sends no log line.

Access is tested by a push without entries. Loki 3.6 and newer shows the tenant's limits at `/config/tenant/v1/limits`;
every version shows them at `/config`. Both are YAML. A gateway may hide both; the limits are then not compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from agent.config import bounded_yaml
from agent.doctor.agent.receiver import ask
from collectors import remedies
from collectors.findings import Finding, Severity
from collectors.http_push.answer import Answer
from collectors.logs.config import LogsConfig, SourceConfig
from collectors.logs.loki.answers import judge_empty
from collectors.logs.loki.config import PUSH_PATH, LokiConfig
from collectors.logs.loki.encode import EMPTY, HEADERS
from collectors.logs.loki.health import Health
from collectors.logs.stages.container import ContainerConfig
from collectors.logs.stages.labels import LabelsConfig
from collectors.logs.stages.static_labels import StaticLabelsConfig
from collectors.logs.stages.structured_metadata import StructuredMetadataConfig
from collectors.logs.stages.truncate import LOKI_MAX_LINE_BYTES, TruncateConfig
from collectors.units import Size

LIMIT_PATHS = ("/config/tenant/v1/limits", "/config")

_OK = 200
_MOST_CHARACTERS = 256 * 1024
_CAUSES = ("loki-unreachable", "loki-refuses")


def check_access(config: LokiConfig) -> list[Finding]:
    """Return the findings of a push without entries."""
    answer = _ask(config, PUSH_PATH, EMPTY)
    health = Health(config)
    health.judged(answer, judge_empty(answer))
    return [finding for check in health.checks() for finding in check.run()]


def limits(config: LokiConfig) -> Mapping[str, Any]:
    """Return Loki's `limits_config`; empty if Loki does not show it."""
    for path in LIMIT_PATHS:
        answer = _ask(config, path, None)
        if answer.code != _OK or len(answer.text) > _MOST_CHARACTERS:
            continue
        try:
            said = bounded_yaml.parse(answer.text)
        except bounded_yaml.YamlError:
            continue
        if isinstance(said, dict):
            told = said.get("limits_config", said)
            return told if isinstance(told, dict) else {}
    return {}


def check_limits(told: Mapping[str, Any], loki: LokiConfig, logs: LogsConfig) -> Iterator[Finding]:
    """Yield findings where the configuration exceeds Loki's limits."""
    burst = float(told.get("ingestion_burst_size_mb") or 0) * 2**20
    if 0 < burst < loki.batch_size:
        yield _batches(loki.batch_size, burst)
    for source in logs.sources:
        yield from _check_source(told, source)


def _check_source(told: Mapping[str, Any], source: SourceConfig) -> Iterator[Finding]:
    names = label_names(source)
    if len(names) > int(told.get("max_label_names_per_series") or len(names)):
        yield _labels(source.name, names, int(told["max_label_names_per_series"]))
    if told.get("allow_structured_metadata") is False and _attaches(source):
        yield _metadata(source.name)
    longest = _bytes(told.get("max_line_size"))
    if longest and not told.get("max_line_size_truncate") and _longest_line(source) > longest:
        yield _lines(source.name, _longest_line(source), longest)


def label_names(source: SourceConfig) -> set[str]:
    """Return the labels of a source's entries, including those of the file or container."""
    made = [set(stage.fields) for stage in source.stages if isinstance(stage, LabelsConfig)]
    fixed = [set(stage.labels) for stage in source.stages if isinstance(stage, StaticLabelsConfig)]
    where = {"filename"} if source.paths else set()
    if any(isinstance(stage, ContainerConfig) for stage in source.stages):
        where |= {"namespace", "pod", "container", "stream"}
    return {"host", "source", *source.labels}.union(where, *made, *fixed)


def _attaches(source: SourceConfig) -> bool:
    return any(isinstance(stage, StructuredMetadataConfig) for stage in source.stages)


def _longest_line(source: SourceConfig) -> int:
    return min(
        (stage.max_size for stage in source.stages if isinstance(stage, TruncateConfig)), default=LOKI_MAX_LINE_BYTES
    )


def _bytes(size: object) -> int:
    """Parse a size as Loki writes it: `256KB` of 1,024 bytes each, or a number; 0 for no limit."""
    text = str(size or 0)
    return int(text) if text.isdecimal() else int(Size.parse(text.replace("KB", "KiB").replace("MB", "MiB")))


def _ask(config: LokiConfig, path: str, body: bytes | None) -> Answer:
    return ask(config, config.url + path, body, HEADERS if body else {})


def _batches(size: int, burst: float) -> Finding:
    return Finding(
        code="loki-batch-too-large",
        title="Loki refuses requests as large as the agent's",
        severity=Severity.FAILURE,
        detail=f"loki.batch_size is {size / 2**20:.1f} MiB; Loki accepts {burst / 2**20:.1f} MiB at once"
        " (ingestion_burst_size_mb).",
        affects="Full requests are refused, and their lines wait.",
        remedy=(remedies.in_section("[loki]", 'set batch_size = "56KiB"'), "or raise ingestion_burst_size_mb in Loki"),
        depends_on=_CAUSES,
    )


def _labels(source: str, names: set[str], most: int) -> Finding:
    return Finding(
        code="loki-too-many-labels",
        title=f"Loki refuses entries with as many labels as {source} can have",
        severity=Severity.WARNING,
        detail=f"Expected at most {most} labels (max_label_names_per_series), found {len(names)}:"
        f" {', '.join(sorted(names))}.",
        affects="Loki refuses entries that have all of them.",
        remedy=(
            f"attach some as structured_metadata instead, in the stages of this source in {remedies.CONFIGURATION}",
        ),
        depends_on=_CAUSES,
    )


def _metadata(source: str) -> Finding:
    return Finding(
        code="loki-no-structured-metadata",
        title="Loki accepts no structured metadata",
        severity=Severity.FAILURE,
        detail=f"{source} attaches structured metadata; Loki's allow_structured_metadata is false.",
        affects="Loki refuses its entries.",
        remedy=(
            "set allow_structured_metadata: true in Loki's limits_config (schema v13)",
            f"or remove the stage structured_metadata from this source in {remedies.CONFIGURATION}",
        ),
        depends_on=_CAUSES,
    )


def _lines(source: str, longest: int, allowed: int) -> Finding:
    return Finding(
        code="loki-lines-too-long",
        title=f"Loki refuses lines that {source} may send",
        severity=Severity.WARNING,
        detail=f"The agent sends lines of up to {longest} bytes; Loki's max_line_size is {allowed}.",
        affects="Loki refuses longer lines.",
        remedy=(f'add {{ truncate = {{ max_size = "{allowed}B" }} }} to the stages of this source',),
        depends_on=_CAUSES,
    )
