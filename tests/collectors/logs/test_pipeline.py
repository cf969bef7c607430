import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.logs.files.labels import file_labels
from collectors.logs.pipeline import MAX_LABELS, Pipeline, check_stages
from collectors.logs.records import Batch
from collectors.logs.stages import STAGES
from collectors.logs.stages.config import StageConfig
from collectors.logs.stages.container import ContainerConfig
from collectors.logs.stages.distinct import DistinctConfig
from collectors.logs.stages.drop import DropConfig
from collectors.logs.stages.json import JsonConfig
from collectors.logs.stages.labels import LabelsConfig
from collectors.logs.stages.level import LevelConfig
from collectors.logs.stages.logfmt import LogfmtConfig
from collectors.logs.stages.metrics import CounterConfig, GaugeConfig, HistogramConfig, MetricsConfig
from collectors.logs.stages.multiline import MultilineConfig
from collectors.logs.stages.output import OutputConfig
from collectors.logs.stages.patterns import Pattern
from collectors.logs.stages.redact import RedactConfig
from collectors.logs.stages.regex import RegexConfig
from collectors.logs.stages.sample import SampleConfig
from collectors.logs.stages.static_labels import StaticLabelsConfig
from collectors.logs.stages.structured_metadata import StructuredMetadataConfig
from collectors.logs.stages.timestamp import TimestampConfig
from collectors.logs.stages.truncate import TruncateConfig
from collectors.logs.times.formats import TimestampFormat
from collectors.units import Size

NOW = 1795321418_000000000
LOKI_MAX_LABELS = 15
FIELDS = ["time", "level", "msg"]
EVERY: dict[str, list[StageConfig]] = {
    "container": [ContainerConfig()],
    "multiline": [MultilineConfig(first=Pattern(r"\S"), max_lines=3)],
    "json": [JsonConfig(fields=[*FIELDS, "a.b"])],
    "logfmt": [LogfmtConfig(fields=FIELDS)],
    "regex": [RegexConfig(pattern=Pattern(r"(?P<level>\w+)\W+(?P<time>.+)"))],
    "timestamp": [
        TimestampConfig(field="time", format=TimestampFormat(name))
        for name in ("rfc3339", "unix", "syslog", "nginx", "postgresql", "%H:%M")
    ],
    "level": [LevelConfig()],
    "labels": [LabelsConfig(fields=["level", "msg"], max_values=2)],
    "structured_metadata": [StructuredMetadataConfig(fields=["msg"])],
    "static_labels": [StaticLabelsConfig(labels={"service": "juce"})],
    "drop": [DropConfig(pattern=Pattern("x$"))],
    "redact": [RedactConfig(pattern=Pattern("[0-9]+"))],
    "sample": [SampleConfig(ratio=0.9, field="level")],
    "truncate": [TruncateConfig(max_size=Size(64))],
    "output": [OutputConfig(field="msg")],
    "metrics": [
        MetricsConfig(
            counters=[CounterConfig(name="a_total", add="time", labels=["level"])],
            gauges=[GaugeConfig(name="b", value="time", labels=["msg"])],
            histograms=[HistogramConfig(name="c", value="time")],
            distinct=[DistinctConfig(name="d", value="msg", precision=8)],
        )
    ],
}

_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text(max_size=80),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
_json = st.dictionaries(st.sampled_from([*FIELDS, "a", "log", "stream"]), _values, max_size=5).map(
    lambda value: msgspec.json.encode({**value})
)
_logfmt = st.builds(
    lambda key, value: f'{key}="{value}" {key}={value}'.encode("utf-8", "replace"), st.sampled_from(FIELDS), st.text()
)
_cri = st.builds(
    lambda time, flag, rest: time.encode("utf-8", "replace") + b" stdout " + flag + b" " + rest,
    st.text(max_size=30),
    st.sampled_from([b"F", b"P", b"X"]),
    st.binary(max_size=20),
)
_lines = st.lists(_json | _logfmt | _cri | st.binary(max_size=100), max_size=8)


@given(lines=_lines, chosen=st.lists(st.sampled_from(list(EVERY)), max_size=8), final=st.booleans())
@settings(max_examples=300)
def test_no_line_stops_any_stages_and_every_line_is_accounted_for(
    lines: list[bytes], chosen: list[str], *, final: bool
) -> None:
    chosen.sort(key=list(EVERY).index)
    pipeline = Pipeline("s", [stage for name in dict.fromkeys(chosen) for stage in EVERY[name]])
    processed = pipeline.process(Batch("s", lines, NOW, {}, final))
    sent = sum(len(stream.lines) for stream in processed.streams)

    assert 0 <= processed.consumed <= len(lines)
    assert processed.consumed == len(lines) or not final
    if not {"multiline", "container"} & {*chosen}:
        assert sent + processed.dropped.total() == len(lines)
    for stream in processed.streams:
        assert len(stream.timestamps) == len(stream.lines)
        assert stream.metadata is None or len(stream.metadata) == len(stream.lines)
        repr(stream).encode()
        for _, value in stream.labels:
            assert 0 < len(value.encode()) <= 2048
        for attached in stream.metadata or ():
            assert attached is None or all(len(value.encode()) <= 2048 for value in attached.values())
    list(pipeline.families())


@pytest.mark.parametrize("name", list(STAGES))
def test_each_stage_alone_passes_what_it_cannot_read(name: str) -> None:
    lines = [b"", b"plain text", b"\xff\xfe\x00", b'{"level":1', b"\x00" * 100, "♯ ä".encode(), b"a" * 300_000]
    kept = Pipeline("s", EVERY[name]).process(Batch("s", lines, NOW, {}, final=True))

    assert kept.consumed == len(lines)
    assert kept.streams


def test_the_fuzz_covers_every_stage() -> None:
    assert {name: type(EVERY[name][0]) for name in EVERY} == {**STAGES}


@given(lines=_lines)
@settings(max_examples=50)
def test_the_same_batch_gives_the_same_streams(lines: list[bytes]) -> None:
    stages = [stage for name in EVERY if name != "metrics" for stage in EVERY[name]]
    batch = Batch("s", lines, NOW, {"filename": "/x"}, final=True)

    assert Pipeline("s", stages).process(batch) == Pipeline("s", stages).process(batch)


def test_without_stages_lines_pass_as_they_are() -> None:
    lines = [b"a", b"\xff", b"", b'{"x":1}']
    (stream,) = Pipeline("engine").process(Batch("engine", lines, NOW, {"filename": "/x"})).streams

    assert stream.lines == lines
    assert stream.timestamps == [NOW, NOW + 2, NOW + 4, NOW + 5]
    assert stream.labels == (("filename", "/x"), ("source", "engine"))


def test_counts_go_on_from_batch_to_batch() -> None:
    pipeline = Pipeline("s", [JsonConfig(fields=["a"])])
    for _ in range(3):
        pipeline.process(Batch("s", [b"no json", b"{}"], NOW, {}))

    assert pipeline.families()[0].samples == {("s", "json"): 3}


def test_explain_shows_a_line_after_each_stage() -> None:
    stages: Sequence[StageConfig] = [
        JsonConfig(fields=FIELDS),
        TimestampConfig(field="time"),
        LabelsConfig(fields=["level"]),
        DropConfig(pattern=Pattern("noise"), reason="noise"),
        OutputConfig(field="msg"),
    ]
    good = b'{"time":"2026-11-22T04:23:30Z","level":"info","msg":"hi"}'
    steps, processed = Pipeline("s", stages).explain(Batch("s", [good, b"noise"], NOW, {}))

    assert [step.stage for step in steps] == ["", "json", "timestamp", "labels", "drop", "output", "truncate"]
    assert [len(step.entries) for step in steps] == [2, 2, 2, 2, 1, 1, 1]
    assert steps[1].missed == {"json": 1}
    assert steps[1].entries[0].fields["level"] == "info"
    assert steps[2].entries[0].timestamp == NOW - 8_000_000_000
    assert steps[3].entries[0].labels == {"source": "s", "level": "info"}
    assert steps[4].dropped == processed.dropped == {"noise": 1}
    assert steps[5].entries[0].line == b"hi"
    assert processed.streams[0].lines == [b"hi"]


def test_lines_are_joined_before_anything_is_made_of_them() -> None:
    with pytest.raises(ValueError, match="expected multiline before json"):
        check_stages([JsonConfig(fields=["a"]), MultilineConfig(first=Pattern("x"))])
    check_stages([ContainerConfig(), MultilineConfig(first=Pattern("x")), JsonConfig(fields=["a"])])


def test_there_are_no_more_labels_than_loki_takes() -> None:
    names = [f"label{number}" for number in range(MAX_LABELS)]
    check_stages([LabelsConfig(fields=names)])
    with pytest.raises(ValueError, match=f"at most {MAX_LABELS} labels, got {MAX_LABELS + 1}: .*service"):
        Pipeline("s", [LabelsConfig(fields=names)], {"service": "juce"})


def test_a_containers_lines_have_no_more_labels_than_loki_takes() -> None:
    names = [f"label{number}" for number in range(MAX_LABELS)]
    stages = [ContainerConfig(), JsonConfig(fields=names), LabelsConfig(fields=names)]
    line = b"2026-11-22T04:23:30Z stdout F " + msgspec.json.encode(dict.fromkeys(names, "x"))
    labels = file_labels("/var/log/pods/studio_engine-1_0a1b/engine/0.log")
    (stream,) = Pipeline("s", stages, host="vm").process(Batch("s", [line], NOW, labels, final=True)).streams

    assert len(stream.labels) == LOKI_MAX_LABELS


@pytest.mark.parametrize(
    "extracted", [JsonConfig(fields={"who": "user_id"}), LogfmtConfig(fields={"who": "app.email"})]
)
def test_what_identifies_a_person_is_no_label_under_another_name_either(extracted: StageConfig) -> None:
    counted = MetricsConfig(counters=[CounterConfig(name="songs_total", labels={"singer": "who"})])
    for shown in (LabelsConfig(fields={"singer": "who"}), counted):
        with pytest.raises(ValueError, match=r"(user_id|app\.email) identifies a person"):
            check_stages([extracted, shown])
        check_stages([extracted, JsonConfig(fields={"who": "level"}), shown])


def test_saving_reaches_every_metrics_stage(tmp_path: Path) -> None:
    pipeline = Pipeline("a/b", [JsonConfig(fields=["msg"]), *EVERY["metrics"]], state_dir=tmp_path / "state")
    pipeline.process(Batch("a/b", [b'{"msg":"x"}'], time.time_ns(), {}))
    pipeline.save()

    assert len(list((tmp_path / "state").glob("distinct-a%2Fb-d.json"))) == 1
