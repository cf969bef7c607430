"""Every query of every dashboard, run by a real Prometheus with real agents and exporters: none is empty."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from functools import partial

import pytest

from tests.monitoring.grafana.conftest import World
from tests.support.dashboards import Question, boards, filled_in, label_values, questions, variables
from tests.support.prometheus import Prometheus
from tests.support.promql import metric_names
from tests.support.waiting import PATIENCE, eventually

SPAN = "20s"
GRAFANAS_OWN = {"__rate_interval": "10s", "__interval": "1s", "__interval_ms": "1000", "__range": SPAN}
VARIABLES = {name: variable for board in boards().values() for name, variable in variables(board).items()}
ALL = {name: variable["allValue"] for name, variable in VARIABLES.items()}
METRICS = [question for question in questions() if question.source == "prometheus"]
LOGS = [question for question in questions() if question.source == "loki"]


def _values(prometheus: Prometheus, name: str) -> list[str]:
    """Return the values of a variable."""
    selector, label = label_values(VARIABLES[name]["query"])
    found = prometheus.query(f"group by ({label}) ({filled_in(selector, ALL)})")
    return [series["metric"][label] for series in found if label in series["metric"]]


def _has_data(prometheus: Prometheus, question: Question, values: Mapping[str, str]) -> bool:
    """Check that a query returns a number. Of a mark, the alerts count: its single point passes quickly."""
    text = filled_in(question.text, {**values, **GRAFANAS_OWN})
    text = text.partition(" unless ")[0] if question.where in {"P0 and P1 begin", "P0 and P1 end"} else text
    found = prometheus.query(text if question.instant else f"({text})[{SPAN}:1s]")
    numbers = [value for series in found for _, value in series.get("values", [series.get("value")])]
    return any(math.isfinite(float(number)) for number in numbers)


@pytest.mark.parametrize("name", VARIABLES)
def test_each_variable_has_values(world: World, name: str) -> None:
    assert eventually(lambda: _values(world.prometheus, name), f"there are values of {name}", 2 * PATIENCE)


@pytest.mark.parametrize("question", METRICS, ids=lambda it: f"{it.board} {it.where}")
def test_each_query_has_data(world: World, question: Question) -> None:
    assert eventually(lambda: _has_data(world.prometheus, question, ALL), f"data of {question.text}", 2 * PATIENCE)


def test_each_metric_of_a_query_exists(world: World) -> None:
    """Check metrics, too, whose absence a panel shows as 0."""
    asked = set().union(*(metric_names(filled_in(question.text, ALL | GRAFANAS_OWN)) for question in METRICS))

    assert len(asked) > 80
    eventually(lambda: asked <= world.prometheus.names(), f"there are {asked - world.prometheus.names()}")


def test_each_query_has_data_of_what_is_chosen(world: World) -> None:
    chosen = {name: f"({'|'.join(_values(world.prometheus, name))})" for name in VARIABLES}

    for question in METRICS:
        look = partial(_has_data, world.prometheus, question, chosen)
        assert eventually(look, f"data of {question} with {chosen}")


def test_a_host_that_is_not_chosen_is_not_shown(world: World) -> None:
    elsewhere = ALL | {"host": "elsewhere"}
    narrowed = [
        question for question in METRICS if 'host=~"$host"' in question.text and "vector(0)" not in question.text
    ]

    assert len(narrowed) > 50
    assert [question for question in narrowed if _has_data(world.prometheus, question, elsewhere)] == []


def test_an_incident_is_open_for_too_long_once_it_is_older_than_its_time(world: World) -> None:
    low = next(it for it in METRICS if it.where == "Response time exceeded D")
    text = filled_in(low.text, ALL | GRAFANAS_OWN)
    at_once, assured = re.subn(r"> \d+", "> 1", text)

    assert assured == 1
    assert eventually(lambda: world.prometheus.value(at_once), "UserSignups is older than a second")
    assert world.prometheus.value(text) == 0


def test_dropouts_are_shown(world: World) -> None:
    shown = next(it for it in METRICS if it.board == "wr-audio" and it.where == "Dropouts A" and it.instant)
    text = filled_in(shown.text, ALL | GRAFANAS_OWN)

    assert eventually(lambda: (world.prometheus.value(text) or 0) > 0, "dropouts are counted")


@pytest.mark.parametrize("question", LOGS, ids=lambda it: f"{it.board} {it.where}")
def test_each_selector_of_logs_names_labels_of_lines_that_arrived(world: World, question: Question) -> None:
    """Match a plain selector `{label=~"value"}` against real streams. No Loki runs here."""
    selector, _, _ = filled_in(question.text, ALL).partition(" |")
    assert re.fullmatch(r'\{(\w+=~"[^"]*"(, )?)+\}', selector), f"expected a plain selector, got {question.text}"
    wanted = dict(re.findall(r'(\w+)=~"([^"]*)"', selector))

    assert any(
        all(re.fullmatch(pattern, entry.labels.get(name, "")) for name, pattern in wanted.items())
        for entry in eventually(world.loki.entries, "lines arrived")
    )


def test_explained_dropouts_are_found_by_the_words_and_fields_of_the_agents_log(world: World) -> None:
    (question,) = (it for it in LOGS if "audio dropped out" in it.text)
    fields = re.findall(r"\{\{\.(\w+)\}\}", question.text)
    lines = eventually(
        lambda: [it for it in world.log().splitlines() if "audio dropped out" in it], "a dropout is logged"
    )

    assert fields
    assert all(set(fields) <= json.loads(line).keys() for line in lines)
