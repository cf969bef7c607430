import math
import stat
import time
from pathlib import Path
from typing import Any

import pytest

from collectors.logs.pipeline import Pipeline
from collectors.logs.records import Batch
from collectors.logs.sketch import estimate, merged
from collectors.logs.stages.distinct import DistinctConfig
from collectors.logs.stages.json import JsonConfig
from collectors.logs.stages.metric import MAX_SERIES
from collectors.logs.stages.metrics import CounterConfig, GaugeConfig, HistogramConfig, MetricsConfig
from collectors.logs.stages.timestamp import TimestampConfig
from collectors.metrics import Family, HistogramValue

JSON = JsonConfig(fields=["event", "service", "n", "user", "time"])
USERS = DistinctConfig(name="active_users", value="user", precision=8)


def pipeline(state_dir: Path | None = None, **metrics: Any) -> Pipeline:  # noqa: ANN401 - any setting
    made = Pipeline("s", [JSON, TimestampConfig(field="time"), MetricsConfig(**metrics)], state_dir=state_dir)
    made.prepare()
    made.restore()
    return made


def feed(given: Pipeline, *lines: str) -> dict[str, Family]:
    processed = given.process(Batch("s", [line.encode() for line in lines], time.time_ns(), {}))
    assert processed.consumed == len(lines)
    return {family.name: family for family in given.families()}


def users(*names: object, at: str = "") -> list[str]:
    return [f'{{"user":"{name}","time":"{at}"}}' for name in names]


def registers(family: Family, window: str) -> bytearray:
    kept = bytearray(256)
    for (_, of, register), value in family.samples.items():
        assert isinstance(value, float | int)
        if of == window:
            kept[int(register)] = int(value)
    return kept


def test_counts_lines_where_fields_have_values() -> None:
    counted = pipeline(
        counters=[
            CounterConfig(name="songs_created_total", where={"event": "song"}, labels=["service"]),
            CounterConfig(name="seconds_total", add="n"),
        ]
    )
    song = '{"event":"song","service":"juce","n":1.5}'
    feed(counted, song, song, '{"event":"other"}', "no json")
    families = feed(counted, song.replace("juce", "swift"), '{"n":-4}', '{"n":"nan"}', '{"n":"2"}')

    assert families["songs_created_total"].samples == {("s", "juce"): 2, ("s", "swift"): 1}
    assert families["songs_created_total"].labels == ("source", "service")
    assert families["seconds_total"].samples == {("s",): 6.5}


def test_a_gauge_is_the_last_number() -> None:
    given = pipeline(gauges=[GaugeConfig(name="load_seconds", value="n", scale=0.001)])

    assert feed(given, '{"n":1}', '{"n":"250"}', '{"n":"x"}', '{"n":[]}')["load_seconds"].samples == {("s",): 0.25}


def test_a_histogram_sorts_numbers_into_buckets() -> None:
    given = pipeline(histograms=[HistogramConfig(name="session_seconds", value="n", bounds=(1.0, 10.0))])
    samples = feed(given, '{"n":1}', '{"n":2}', '{"n":1e300}', '{"n":"inf"}', '{"n":9}')["session_seconds"].samples

    assert samples == {("s",): HistogramValue((1.0, 10.0), (1, 2, 1), math.fsum([1, 2, 1e300, 9]))}


def test_series_are_bounded_in_number_and_the_rest_is_counted() -> None:
    given = pipeline(counters=[CounterConfig(name="a_total", labels=["n"])])
    families = feed(given, *(f'{{"n":{n}}}' for n in range(MAX_SERIES + 7)), '{"n":1}')

    assert len(families["a_total"].samples) == MAX_SERIES
    assert families["a_total"].samples["s", "1"] == 2
    assert families["wr_agent_log_missed_total"].samples["s", "metric_series"] == 7


def test_distinct_values_are_counted_once() -> None:
    families = feed(pipeline(distinct=[USERS]), *users(*range(37)), *users(*range(37)), "{}", '{"user":""}')

    for window in ("day", "month"):
        assert families["active_users"].samples["s", window] == pytest.approx(37, rel=0.2)
        assert 25 <= 256 - registers(families["active_users_sketch"], window).count(0) <= 37
    assert all(families["active_users_sketch"].samples.values())


def test_machines_with_one_salt_merge(tmp_path: Path) -> None:
    (tmp_path / "salt").write_text("secret\n")
    shared = DistinctConfig(name="u", value="user", precision=8, salt_file=str(tmp_path / "salt"))
    sketches = [
        registers(feed(pipeline(distinct=[shared]), *users(*range(start, start + 500)))["u_sketch"], "day")
        for start in (0, 250, 500)
    ]

    assert estimate(merged(sketches, 256)) == pytest.approx(1000, rel=3 * 0.065)


def test_neither_what_is_exported_nor_what_is_kept_shows_a_value(tmp_path: Path) -> None:
    given = pipeline(tmp_path, distinct=[USERS])
    families = feed(given, *users("elisabeth"))
    given.save()

    assert "elisabeth" not in repr(families)
    assert b"elisabeth" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


def test_windows_survive_a_restart(tmp_path: Path) -> None:
    first = pipeline(tmp_path, distinct=[USERS])
    days_ago = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 6 * 86400))
    feed(first, *users(*range(200)))
    before = feed(first, *users(*range(200, 500), at=days_ago))
    first.save()
    after = {family.name: family for family in pipeline(tmp_path, distinct=[USERS]).families()}

    assert after["active_users_sketch"] == before["active_users_sketch"]
    assert after["active_users"].samples["s", "day"] == pytest.approx(200, rel=0.2)
    assert after["active_users"].samples["s", "month"] == pytest.approx(500, rel=0.2)


def test_nothing_is_written_when_nothing_changed(tmp_path: Path) -> None:
    given = pipeline(tmp_path, distinct=[USERS])
    feed(given, *users(1))
    given.save()
    (saved,) = tmp_path.glob("*.json")
    saved.unlink()
    feed(given, *users(1))
    given.save()

    assert not saved.exists()


def test_what_could_not_be_written_is_written_later(tmp_path: Path) -> None:
    state = tmp_path / "state"
    given = pipeline(state, distinct=[USERS])
    feed(given, *users(1))
    state.rename(tmp_path / "away")
    state.touch()
    with pytest.raises(OSError, match=r"exists|directory"):
        given.save()
    state.unlink()
    given.save()

    assert [path.name for path in state.iterdir()] == ["distinct-s-active_users.json"]


@pytest.mark.parametrize("damage", [b"", b"{", b'{"salt":"x","precision":8,"windows":{}}', b"\xff", b"[" * 10**6])
def test_a_damaged_state_begins_anew(tmp_path: Path, damage: bytes) -> None:
    first = pipeline(tmp_path, distinct=[USERS])
    feed(first, *users(*range(200)))
    first.save()
    (saved,) = tmp_path.glob("*.json")
    saved.write_bytes(damage)
    again = pipeline(tmp_path, distinct=[USERS])

    assert feed(again, *users(1))["active_users"].samples["s", "day"] == pytest.approx(1, rel=0.1)
    again.save()
    assert b"day" in saved.read_bytes()


def test_what_is_older_than_a_day_counts_for_the_month_only() -> None:
    old = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 3 * 86400))
    samples = feed(pipeline(distinct=[USERS]), *users(*range(20), at=old))["active_users"].samples

    assert samples["s", "day"] == 0
    assert samples["s", "month"] == pytest.approx(20, rel=0.2)


@pytest.mark.parametrize(
    ("kind", "settings", "hint"),
    [
        (CounterConfig, {"name": "songs"}, "_total"),
        (CounterConfig, {"name": "a-b_total"}, "letters"),
        (CounterConfig, {"name": "wr_agent_x_total"}, "wr_agent_"),
        (CounterConfig, {"name": "a_total", "labels": ["user_id"]}, "identifies a person"),
        (CounterConfig, {"name": "a_total", "labels": ["source"]}, "belongs to the agent"),
        (HistogramConfig, {"name": "a", "value": "b", "bounds": (2.0, 1.0)}, "ascend"),
        (
            MetricsConfig,
            {"gauges": [GaugeConfig(name="a", value="b")], "distinct": [DistinctConfig(name="a", value="b")]},
            "more than one of a",
        ),
        (MetricsConfig, {"distinct": [DistinctConfig(name="users_total", value="b")]}, "only counters"),
    ],
)
def test_settings_that_cannot_be_used_are_told(kind: type, settings: dict[str, Any], hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        kind(**settings)


@pytest.mark.parametrize(("content", "hint"), [(None, "No such file"), (b" \n", "empty")])
def test_a_salt_that_is_not_there_is_told(tmp_path: Path, content: bytes | None, hint: str) -> None:
    salt = tmp_path / "salt"
    if content is not None:
        salt.write_bytes(content)

    with pytest.raises(ValueError, match=hint):
        pipeline(distinct=[DistinctConfig(name="u", value="user", salt_file=str(salt))])
