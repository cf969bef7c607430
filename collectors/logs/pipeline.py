"""The pipeline of one log source, from a batch of lines to the streams for Loki.

Owns the order of the stages and their counts. Reading belongs to the sources, pushing to the Loki client.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from collectors.logs.records import Batch, Processed
from collectors.logs.stages import STAGES
from collectors.logs.stages.config import Context, StageConfig, by_name, check_labels
from collectors.logs.stages.container import ContainerConfig
from collectors.logs.stages.entries import Entries, rows, text
from collectors.logs.stages.json import JsonConfig
from collectors.logs.stages.labels import LabelsConfig
from collectors.logs.stages.level import LevelConfig
from collectors.logs.stages.logfmt import LogfmtConfig
from collectors.logs.stages.metrics import MetricsConfig, MetricsStage
from collectors.logs.stages.multiline import MultilineConfig
from collectors.logs.stages.regex import RegexConfig
from collectors.logs.stages.static_labels import StaticLabelsConfig
from collectors.logs.stages.timestamp import TimestampConfig
from collectors.logs.stages.truncate import TruncateConfig
from collectors.logs.streams import streams
from collectors.metrics import Family, LabelValues, counter

MAX_LABELS = 8
"""The most labels of a source, of Loki's 15. Lines also have `host`, `source` and `filename`; container lines add
`namespace`, `pod`, `container` and `stream`. Loki refuses every line of a stream with more."""

_NAMES = {kind: name for name, kind in STAGES.items()}
_JOINING = (ContainerConfig, MultilineConfig)


@dataclass(frozen=True, slots=True)
class Shown:
    """An entry after a stage.

    Attributes:
        line: Its text.
        timestamp: Unix nanoseconds.
        fields: Its extracted fields.
        labels: All its labels.
        metadata: Its structured metadata.
    """

    line: bytes
    timestamp: int
    fields: dict[str, str]
    labels: dict[str, str]
    metadata: dict[str, str]


@dataclass(frozen=True, slots=True)
class Step:
    """The result of one stage.

    Attributes:
        stage: The name of the stage, empty for the lines as read.
        entries: All entries after the stage.
        dropped: The number of dropped entries by reason.
        missed: The number of entries that the stage could not process, by problem.
    """

    stage: str
    entries: list[Shown]
    dropped: Counter[str]
    missed: Counter[str]


def check_stages(stages: Sequence[StageConfig], labels: Iterable[str] = ()) -> None:
    """Refuse stages that cannot work together.

    Args:
        stages: The stages of one source, in order.
        labels: The names of the source's own labels.

    Raises:
        ValueError: A joining stage comes too late, there are too many labels, or a label identifies a person.
    """
    _check_joining(stages)
    _check_number(stages, labels)
    _check_persons(stages)


def check_fields(stages: Sequence[StageConfig]) -> None:
    """Refuse a label from a field that no earlier stage extracts: it would never have a value.

    Raises:
        ValueError: With the fields of every such label.
    """
    known: set[str] = set()
    missing: list[str] = []
    for stage in stages:
        if isinstance(stage, JsonConfig | LogfmtConfig):
            known.update(by_name(stage.fields))
        elif isinstance(stage, RegexConfig):
            known.update(stage.pattern.compile().groups)
        elif isinstance(stage, LevelConfig):
            known.add(stage.field)
        elif isinstance(stage, LabelsConfig):
            missing += [field for field in by_name(stage.fields).values() if field not in known]
    if missing:
        found = ", ".join(sorted(known)) or "none"
        raise ValueError(
            f"expected a label of a field that an earlier stage extracts ({found}), got {', '.join(missing)}"
        )


def _check_joining(stages: Sequence[StageConfig]) -> None:
    seen = ""
    for stage in stages:
        if not isinstance(stage, _JOINING):
            seen = seen or _NAMES[type(stage)]
        elif seen:
            raise ValueError(f"expected {_NAMES[type(stage)]} before {seen}, as it joins lines")


def _check_number(stages: Sequence[StageConfig], labels: Iterable[str]) -> None:
    names = {*labels}
    for stage in stages:
        if isinstance(stage, StaticLabelsConfig):
            names.update(stage.labels)
        elif isinstance(stage, LabelsConfig):
            names.update(stage.fields)
    if len(names) > MAX_LABELS:
        raise ValueError(f"expected at most {MAX_LABELS} labels, got {len(names)}: {', '.join(sorted(names))}")


def _check_persons(stages: Sequence[StageConfig]) -> None:
    """Check labels by the original names of their fields."""
    origins: dict[str, str] = {}
    for stage in stages:
        if isinstance(stage, JsonConfig | LogfmtConfig):
            origins |= by_name(stage.fields)
        elif isinstance(stage, LabelsConfig):
            check_labels((), [origins.get(field, field) for field in by_name(stage.fields).values()])
        elif isinstance(stage, MetricsConfig):
            check_labels((), [origins.get(field, field) for field in stage.label_fields()])


class Pipeline:
    """The stages of one source. `process` takes one caller at a time; `families` and `save` work from any thread.

    Raises:
        ValueError: The stages cannot work together.

    Attributes:
        reads_times: True if a stage takes the times of entries from their lines.
    """

    def __init__(
        self,
        source: str,
        stages: Sequence[StageConfig] = (),
        labels: Mapping[str, str] | None = None,
        state_dir: Path | None = None,
        host: str = "",
    ) -> None:
        labels = labels or {}
        check_stages(stages, labels)
        context = Context(source, state_dir)
        self._source = source
        self._labels = {**({"host": host} if host else {}), "source": source, **labels}
        self._stages = [(_NAMES[type(stage)], stage.build(context)) for stage in (*stages, TruncateConfig())]
        self._metrics = [stage for _, stage in self._stages if isinstance(stage, MetricsStage)]
        self._missed: Counter[str] = Counter()
        self.reads_times = any(isinstance(stage, TimestampConfig | ContainerConfig) for stage in stages)

    def process(self, batch: Batch) -> Processed:
        """Pass a batch through the stages. Equal batches give equal streams."""
        entries = Entries.of(batch, self._labels)
        for _, stage in self._stages:
            stage(entries)
        self._missed = self._missed + entries.missed  # a new one, as `families` may be reading the old
        return _processed(entries, entries.dropped)

    def explain(self, batch: Batch) -> tuple[list[Step], Processed]:
        """Pass a batch through the stages as `process` does, and keep the result of each stage."""
        entries = Entries.of(batch, self._labels)
        steps = [_step("", entries)]
        for name, stage in self._stages:
            entries.dropped, entries.missed = Counter(), Counter()
            stage(entries)
            steps.append(_step(name, entries))
        dropped = sum((step.dropped for step in steps), Counter[str]())
        return steps, _processed(entries, dropped)

    def families(self) -> list[Family]:
        """Return the counts of missed lines and the metrics made from lines."""
        missed: dict[LabelValues, float] = {(self._source, problem): count for problem, count in self._missed.items()}
        return [
            counter(
                "wr_agent_log_missed_total",
                "Log lines that a stage could not process and passed on unchanged.",
                missed,
                ("source", "problem"),
            ),
            *(family for stage in self._metrics for family in stage.families()),
        ]

    def prepare(self) -> None:
        """Read the files that the stages need.

        Raises:
            ValueError: A file is unusable.
        """
        for stage in self._metrics:
            stage.prepare()

    def restore(self) -> None:
        """Read the state of an earlier run."""
        for stage in self._metrics:
            stage.restore()

    def save(self) -> None:
        """Write the persistent state if it changed. Call it before positions are saved. Blocks on the disk.

        Raises:
            OSError: The state directory cannot be written.
        """
        for stage in self._metrics:
            stage.save()


def _processed(entries: Entries, dropped: Counter[str]) -> Processed:
    return Processed(streams(entries), entries.consumed, +dropped, entries.known_ns)


def _step(name: str, entries: Entries) -> Step:
    count = len(entries.lines)
    fields = {field: [text(value) for value in column] for field, column in entries.fields.items()}
    shown = [
        Shown(line, timestamp, found, entries.constant_labels | labels, metadata)
        for line, timestamp, found, labels, metadata in zip(
            entries.lines,
            entries.timestamps,
            rows(fields, count),
            rows(entries.labels, count),
            rows(entries.metadata, count),
            strict=True,
        )
    ]
    return Step(name, shown, +entries.dropped, +entries.missed)
