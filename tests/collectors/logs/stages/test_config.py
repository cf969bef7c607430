import tomllib
from typing import Annotated

import msgspec

from agent.config.decode import Problem, decode
from collectors.logs.stages import STAGES
from collectors.logs.stages.config import StageConfig
from collectors.logs.stages.distinct import DistinctConfig
from collectors.logs.stages.json import JsonConfig
from collectors.logs.stages.labels import LabelsConfig
from collectors.logs.stages.level import LevelConfig
from collectors.logs.stages.metrics import CounterConfig, HistogramConfig, MetricsConfig
from collectors.logs.stages.timestamp import TimestampConfig
from collectors.logs.stages.truncate import TruncateConfig
from collectors.logs.times.formats import TimestampFormat
from collectors.logs.times.zone import Zone
from collectors.units import Duration, Size
from collectors.variants import Variants


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    stages: list[Annotated[StageConfig, Variants(STAGES)]]


def read(stages: str) -> tuple[Source | None, list[Problem]]:
    return decode(Source, tomllib.loads(f"stages = [{stages}]"))


def problem(stage: str) -> str:
    _, problems = read(stage)
    (only,) = problems
    return str(only)


def test_stages_are_read_in_their_order() -> None:
    source, problems = read(
        """
        { json = { fields = ["time", "level"] } },
        { timestamp = { field = "time", format = "%H:%M", timezone = "Europe/Berlin", max_age = "7d" } },
        { level = {} },
        { labels = { fields = { severity = "level" } } },
        { truncate = { max_size = "16KiB" } },
        { metrics = { counters = [
            { name = "songs_created_total", where = { event = "song" } },
        ], histograms = [
            { name = "h_seconds", value = "d", bounds = [1, 2.5] },
        ], distinct = [
            { name = "active_users", value = "user_id" },
        ] } },
        """
    )

    assert problems == []
    assert source == Source(
        stages=[
            JsonConfig(fields=["time", "level"]),
            TimestampConfig(
                field="time",
                format=TimestampFormat("%H:%M"),
                timezone=Zone.parse("Europe/Berlin"),
                max_age=Duration(7 * 86400),
            ),
            LevelConfig(),
            LabelsConfig(fields={"severity": "level"}),
            TruncateConfig(max_size=Size(16 * 1024)),
            MetricsConfig(
                counters=[CounterConfig(name="songs_created_total", where={"event": "song"})],
                histograms=[HistogramConfig(name="h_seconds", value="d", bounds=(1.0, 2.5))],
                distinct=[DistinctConfig(name="active_users", value="user_id")],
            ),
        ]
    )


def test_a_problem_names_its_key_and_a_remedy() -> None:
    assert problem("{ jsn = {} }") == "stages[0].jsn: unknown key; did you mean json?"
    assert "stages[0].json: expected the key fields" in problem("{ json = {} }")
    assert problem("{ json = { fields = 3 } }").startswith("stages[0].json.fields: expected ")
    assert problem('{ level = {} }, { timestamp = { field = "t", format = "rfc339" } }').startswith(
        "stages[1].timestamp.format: expected one of rfc3339, "
    )
    assert "Europe/Berlin" in problem('{ timestamp = { field = "t", timezone = "Mars" } }')
    assert problem('{ regex = { pattern = "(x" } }').startswith(
        "stages[0].regex.pattern: expected a regular expression"
    )
    assert problem('{ labels = { fields = ["user_id"] } }').startswith("stages[0].labels: user_id identifies a person")
    assert problem('{ truncate = { max_size = "1B" } }').startswith("stages[0].truncate: expected a max_size of 64B")
    assert "stages[0].sample.ratio" in problem("{ sample = { ratio = 2 } }")
    assert "expected a table with one key" in problem("{ level = {}, json = {} }")
    assert "_total" in problem('{ metrics = { counters = [{ name = "songs" }] } }')


def test_all_problems_are_told_at_once() -> None:
    _, problems = read('{ lvl = {} }, { sample = { ratio = "x" } }, { metrics = { gauges = [{ nme = "a" }] } }')

    assert [found.path for found in problems] == [
        "stages[0].lvl",
        "stages[1].sample.ratio",
        "stages[2].metrics.gauges[0].nme",
        "stages[2].metrics.gauges[0]",
        "stages[2].metrics.gauges[0]",
    ]


def test_every_stage_of_the_design_is_there() -> None:
    assert set(STAGES) == {
        *("json", "logfmt", "regex", "container", "timestamp", "level", "labels", "structured_metadata"),
        *("static_labels", "multiline", "drop", "redact", "sample", "truncate", "output", "metrics"),
    }
