from datetime import UTC, datetime
from typing import Any

import pytest

from collectors.logs.pipeline import Pipeline
from collectors.logs.records import Batch, Processed
from collectors.logs.stages.json import JsonConfig
from collectors.logs.stages.timestamp import TimestampConfig
from collectors.logs.times.formats import TimestampFormat
from collectors.logs.times.zone import Zone
from collectors.units import Duration
from tests.collectors.logs.stages.conftest import After

NOW = 1795321418_000000000
HOUR = 3600 * 10**9
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


def test_each_entry_has_its_own_time_or_the_last_known_one() -> None:
    _, processed = process()
    (stream,) = processed.streams

    assert stream.timestamps == [NOW - 999_999_999] * 4
    assert stream.lines == [GOOD, NONE, OLD, AHEAD]
    assert stream.metadata == [
        None,
        None,
        {"original_time": "2026-11-14T04:23:38Z"},
        {"original_time": "2026-11-22T04:34:38Z"},
    ]


def times(*lines: bytes, more: bool = False, known_ns: int = 0, **config: Any) -> list[int]:  # noqa: ANN401
    stages = [JSON, TimestampConfig(field="time", **config)]
    batch = Batch("s", list(lines), NOW, {}, more=more, known_ns=known_ns)
    return [at for stream in Pipeline("s", stages).process(batch).streams for at in stream.timestamps]


def test_before_the_first_known_time_an_entry_has_the_next_one() -> None:
    assert times(NONE, AHEAD, GOOD) == [NOW - 999_999_999] * 3


def test_the_last_known_time_goes_on_from_batch_to_batch() -> None:
    assert times(NONE, OLD, known_ns=NOW - 5 * HOUR) == [NOW - 5 * HOUR] * 2


def test_a_log_that_never_says_a_time_has_that_of_reading() -> None:
    assert times(NONE, NONE, AHEAD) == [NOW, NOW + len(NONE) + 1, NOW + 2 * len(NONE) + 2]


def test_a_log_of_old_times_alone_begins_where_loki_takes_it() -> None:
    assert times(OLD, OLD) == [NOW - 167 * HOUR + 60 * 10**9] * 2


def test_while_more_follows_entries_wait_for_the_first_known_time() -> None:
    assert times(NONE, NONE, more=True) == []
    assert times(NONE, GOOD, more=True) == [NOW - 999_999_999] * 2


def test_the_time_of_reading_can_be_chosen() -> None:
    read = times(GOOD, NONE, OLD, missing="read_time", absurd="read_time")

    assert read == [NOW - 999_999_999, NOW + len(GOOD) + 1, NOW + len(GOOD) + len(NONE) + 2]


def test_the_hour_that_autumn_repeats_is_told_by_order() -> None:
    near = int(datetime(2026, 10, 25, 3, tzinfo=UTC).timestamp()) * 10**9
    walls = ["01:59:59", "02:30:00", "02:59:59", "02:00:01", "02:30:00", "02:59:59", "03:00:00"]
    lines = [b'{"time":"2026-10-25T%s"}' % wall.encode() for wall in walls]
    stages = [JSON, TimestampConfig(field="time", timezone=Zone.parse("Europe/Berlin"))]
    (stream,) = Pipeline("s", stages).process(Batch("s", lines, near, {})).streams

    minutes = [(at - stream.timestamps[0]) / 60e9 for at in stream.timestamps]
    assert [round(it) for it in minutes] == [0, 30, 60, 60, 90, 120, 120]
    assert stream.timestamps == sorted(stream.timestamps)


@pytest.mark.parametrize("zone", ["Z", "+00:00", " CEST"])
def test_a_time_with_a_zone_is_not_moved_in_the_repeated_hour(zone: str) -> None:
    near = int(datetime(2026, 10, 25, 3, tzinfo=UTC).timestamp()) * 10**9
    hour = "02" if zone == " CEST" else "00"
    lines = [b'{"time":"2026-10-25 %s:%s:00%s"}' % (hour.encode(), it, zone.encode()) for it in (b"50", b"10", b"20")]
    stages = [JSON, TimestampConfig(field="time", timezone=Zone.parse("Europe/Berlin"))]
    (stream,) = Pipeline("s", stages).process(Batch("s", lines, near, {})).streams

    minutes = [round((at - stream.timestamps[0]) / 60e9) for at in stream.timestamps]
    assert minutes == [0, -40, -30]


def test_a_date_without_a_year_is_near_the_time_of_the_file() -> None:
    written = int(datetime(2025, 1, 1, 0, 5, tzinfo=UTC).timestamp()) * 10**9
    stages = [JSON, TimestampConfig(field="time", format=TimestampFormat("%m%d %H:%M:%S"), timezone=Zone.parse("UTC"))]
    batch = Batch(
        "s", [b'{"time":"1231 23:59:59"}', b'{"time":"0101 00:00:01"}'], written + HOUR, {}, written_ns=written
    )
    (stream,) = Pipeline("s", stages).process(batch).streams

    assert stream.timestamps == [written - 301 * 10**9, written - 299 * 10**9]


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
