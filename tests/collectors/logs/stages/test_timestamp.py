from typing import Any

import pytest

from collectors.logs.pipeline import Pipeline
from collectors.logs.records import Batch, Processed
from collectors.logs.stages.json import JsonConfig
from collectors.logs.stages.timestamp import TimestampConfig
from collectors.units import Duration
from tests.collectors.logs.stages.conftest import After

NOW = 1795321418_000000000
JSON = JsonConfig(fields=["time"])
GOOD, NONE, OLD, AHEAD = (
    b'{"time":"2026-11-22T04:23:37.000000001Z"}',
    b'{"time":"soon"}',
    b'{"time":"2026-11-14T04:23:38Z"}',
    b'{"time":"2026-11-22T04:34:38Z"}',
)


def process(**config: Any) -> tuple[Pipeline, Processed]:  # noqa: ANN401 - any setting
    pipeline = Pipeline("s", [JSON, TimestampConfig(field="time", **config)])
    return pipeline, pipeline.process(Batch("s", [GOOD, NONE, OLD, AHEAD], NOW, {}))


def test_each_entry_has_its_own_time_or_the_one_it_was_read_at() -> None:
    _, processed = process()
    (stream,) = processed.streams

    none = NOW + len(GOOD) + 1
    old = none + len(NONE) + 1
    ahead = old + len(OLD) + 1
    assert stream.timestamps == [NOW - 999_999_999, none, old, ahead]
    assert stream.lines == [GOOD, NONE, OLD, AHEAD]
    assert stream.metadata == [
        None,
        None,
        {"original_time": "2026-11-14T04:23:38Z"},
        {"original_time": "2026-11-22T04:34:38Z"},
    ]


def test_what_is_missing_or_absurd_is_counted() -> None:
    pipeline, _ = process()
    (family,) = pipeline.families()

    assert family.samples == {("s", "timestamp_missing"): 1, ("s", "timestamp_absurd"): 2}


@pytest.mark.parametrize(
    ("config", "kept", "dropped"),
    [
        ({"missing": "drop"}, [GOOD, OLD, AHEAD], {"timestamp_missing": 1}),
        ({"absurd": "drop"}, [GOOD, NONE], {"timestamp_absurd": 2}),
        ({"absurd": "drop", "missing": "drop"}, [GOOD], {"timestamp_absurd": 2, "timestamp_missing": 1}),
        ({"absurd": "drop", "max_ahead": Duration(660)}, [GOOD, NONE, AHEAD], {"timestamp_absurd": 1}),
        ({"absurd": "drop", "max_age": Duration(9 * 86400)}, [GOOD, NONE, OLD], {"timestamp_absurd": 1}),
    ],
)
def test_they_can_be_dropped_instead(config: dict[str, Any], kept: list[bytes], dropped: dict[str, int]) -> None:
    _, processed = process(**config)

    assert [line for stream in processed.streams for line in stream.lines] == kept
    assert processed.dropped == dropped
    assert processed.consumed == 4


def test_a_field_that_nothing_extracted_is_missing(after: After) -> None:
    (entry,) = after([TimestampConfig(field="time")], "x", read_ns=NOW)

    assert entry.timestamp == NOW
