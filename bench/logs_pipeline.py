"""The cost of the log pipeline alone: JSON lines to streams, without reading and pushing.

Run: python -m bench.logs_pipeline

Lines of about 210 bytes (time, level, logger, message, trace id, duration, service), the line's own time, level as a
label. The stall is the longest batch: what the event loop would stand still if a batch were processed on it.
"""

from __future__ import annotations

import gc
import random
import statistics
import time
from collections.abc import Iterator, Sequence

import psutil

from bench.table import machine, table
from collectors.logs.pipeline import Pipeline
from collectors.logs.records import Batch
from collectors.logs.stages.config import StageConfig
from collectors.logs.stages.distinct import DistinctConfig
from collectors.logs.stages.json import JsonConfig
from collectors.logs.stages.labels import LabelsConfig
from collectors.logs.stages.level import LevelConfig
from collectors.logs.stages.metrics import CounterConfig, HistogramConfig, MetricsConfig
from collectors.logs.stages.patterns import Pattern
from collectors.logs.stages.redact import RedactConfig
from collectors.logs.stages.structured_metadata import StructuredMetadataConfig
from collectors.logs.stages.timestamp import TimestampConfig

_LINES = 400_000
_BATCH = 1250  # of 210 bytes: 256 KiB
_ROUNDS = 5
_RANDOM = random.Random(1)  # noqa: S311 - test data, the same in each run

_JSON = JsonConfig(fields=["time", "level", "trace_id", "duration_ms", "service"])
_TIME, _LEVEL, _LABELS = TimestampConfig(field="time"), LevelConfig(), LabelsConfig(fields=["level"])
_METRICS = MetricsConfig(
    counters=[CounterConfig(name="lines_total", labels=["level"])],
    histograms=[HistogramConfig(name="duration_seconds", value="duration_ms", scale=0.001)],
    distinct=[DistinctConfig(name="traces", value="trace_id")],
)
_PIPELINES: dict[str, Sequence[StageConfig]] = {
    "no stages": [],
    "json, timestamp, level label": [JsonConfig(fields=["time", "level"]), _TIME, _LEVEL, _LABELS],
    "the same, trace id as metadata": [
        _JSON,
        _TIME,
        _LEVEL,
        _LABELS,
        StructuredMetadataConfig(fields=["trace_id"]),
    ],
    "the same, redacted": [RedactConfig(pattern=Pattern("password=[^ ]+")), _JSON, _TIME, _LEVEL, _LABELS],
    "the same, three metrics": [_JSON, _TIME, _LEVEL, _LABELS, _METRICS],
}


def _line(number: int, now: float) -> bytes:
    at = now + number / 150_000
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + f".{int(at % 1 * 1000):03}Z"
    level = _RANDOM.choices(("info", "debug", "warn", "error"), (80, 12, 6, 2))[0]
    message = f"buffer {number} rendered for scene {_RANDOM.randrange(1000)}"
    return (
        f'{{"time":"{moment}","level":"{level}","logger":"engine.render","message":"{message}",'
        f'"trace_id":"{_RANDOM.getrandbits(128):032x}","duration_ms":{_RANDOM.random() * 20:.3f},'
        f'"service":"juce-backend"}}'
    ).encode()


def _batches() -> list[Batch]:
    now = time.time()
    lines = [_line(number, now) for number in range(_LINES)]
    return [
        Batch("bench", lines[start : start + _BATCH], int(now * 1e9), {"filename": "/var/log/engine.log"})
        for start in range(0, _LINES, _BATCH)
    ]


def _round(pipeline: Pipeline, batches: Sequence[Batch]) -> tuple[float, float]:
    """Return microseconds of CPU a line, and the longest batch in milliseconds."""
    longest, entries = 0.0, 0
    started = time.process_time()
    for batch in batches:
        begun = time.perf_counter()
        entries += sum(len(stream.lines) for stream in pipeline.process(batch).streams)
        longest = max(longest, time.perf_counter() - begun)
    spent = time.process_time() - started
    if entries != _LINES:
        raise AssertionError(f"expected {_LINES} entries, got {entries}")
    return spent / _LINES * 1e6, longest * 1e3


def _rows(batches: Sequence[Batch]) -> Iterator[list[str]]:
    for name, stages in _PIPELINES.items():
        pipeline = Pipeline("bench", stages)
        gc.collect()
        rounds = [_round(pipeline, batches) for _ in range(_ROUNDS)]
        cost = statistics.median(micros for micros, _ in rounds)
        stall = statistics.median(longest for _, longest in rounds)
        yield [name, f"{1e6 / cost:,.0f}", f"{cost:.2f}", f"{stall:.1f}"]


def main() -> None:
    """Print the table."""
    before = psutil.Process().memory_full_info().uss
    print(f"{_LINES:,} lines in batches of {_BATCH:,}, median of {_ROUNDS}; {machine()}")
    print(f"{before / 2**20:.0f} MiB USS with all stages imported\n")
    batches = _batches()
    size = sum(len(line) for batch in batches for line in batch.lines) / _LINES
    print(f"A line has {size:.0f} bytes.\n")
    print(table(["stages", "lines/s", "µs CPU a line", "longest batch, ms"], list(_rows(batches))))


if __name__ == "__main__":
    main()
