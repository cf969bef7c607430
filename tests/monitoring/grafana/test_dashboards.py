"""The committed dashboards by themselves, and beside what refers to them and what they refer to."""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from monitoring.grafana.boards.everything import files
from tests.support.dashboards import FILES, boards, panels, questions, variables
from tests.support.monitoring import MONITORING, rules
from tests.support.promql import metric_names

BOARDS = boards()
PANELS = [(uid, panel) for uid, board in BOARDS.items() for panel in panels(board)]
ALERTS = {rule.text["alert"]: rule.text for rule in rules() if "alert" in rule.text}
RECORDED = {rule.text["record"] for rule in rules() if "record" in rule.text}
GRAFANAS_OWN = {"__rate_interval", "__interval", "__interval_ms", "__range"}

EACH_PANEL = pytest.mark.parametrize(("uid", "panel"), PANELS, ids=[f"{uid} {it['title']}" for uid, it in PANELS])


def test_the_committed_files_are_what_the_python_writes() -> None:
    committed = {file.name: file.read_text() for file in FILES}

    assert committed == files(), "write them anew: python -m monitoring.grafana.boards"


def test_the_uids_that_bookmarks_and_alerts_rely_on_stay() -> None:
    assert set(BOARDS) == {"wr-system-health", "wr-application", "wr-business", "wr-alerts", "wr-audio"}


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_leads_to_a_dashboard_and_to_variables_that_it_has(name: str) -> None:
    link = urlsplit(re.sub(r"\{\{.*?\}\}", "x", ALERTS[name]["annotations"]["dashboard"]))
    board = BOARDS[link.path.removeprefix("/d/")]
    named = {key.removeprefix("var-") for key in parse_qs(link.query)}

    assert named <= set(variables(board))


def test_numbers_of_panels_are_unique_and_panels_lie_beside_each_other() -> None:
    for board in BOARDS.values():
        assert max(Counter(panel["id"] for panel in board["panels"]).values()) == 1
        places = [panel["gridPos"] for panel in board["panels"]]
        assert all(place["x"] + place["w"] <= 24 for place in places)
        assert not any(_overlap(one, other) for one, other in combinations(places, 2))


def _overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    return all(
        one[at] < other[at] + other[size] and other[at] < one[at] + one[size] for at, size in (("x", "w"), ("y", "h"))
    )


@EACH_PANEL
def test_a_panel_says_what_it_shows_and_what_it_is_measured_in(uid: str, panel: dict[str, Any]) -> None:
    assert re.match(r"[A-Z].{15,}\.$", panel["description"]), uid
    if panel["type"] not in {"logs", "alertGroups"}:
        meaning = panel["fieldConfig"]["defaults"]
        assert meaning["unit"]
        assert meaning["noValue"]


@EACH_PANEL
def test_the_queries_of_a_panel_are_told_apart(uid: str, panel: dict[str, Any]) -> None:
    letters = [query["refId"] for query in panel.get("targets", [])]

    assert letters == sorted(set(letters)), uid
    assert letters or panel["type"] == "alertGroups"


def test_a_line_at_which_an_alert_fires_names_the_alert_and_is_where_it_fires() -> None:
    named = {
        alert: _bounds(panel)
        for _, panel in PANELS
        for alert in re.findall(r"(\w+) fires (?:above|below|from) the line", panel["description"])
    }

    assert len(named) >= 15
    assert {alert: bounds for alert, bounds in named.items() if not bounds & _compared(alert)} == {}


def _bounds(panel: dict[str, Any]) -> set[float]:
    return {step["value"] for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"] if step["value"]}


def _compared(alert: str) -> set[float]:
    """The numbers that an alert's expression compares with."""
    return {float(number) for number in re.findall(r"[<>]=? ([\d.]+)", ALERTS[alert]["expr"])}


def test_quantiles_are_of_rates_that_are_summed_by_bucket() -> None:
    texts = [question.text for question in questions() if "histogram_quantile" in question.text]

    assert texts
    for text in texts:
        assert re.search(r"histogram_quantile\([\d.]+, sum by \([\w, ]*\ble\) \(rate\(\w+_bucket\{", text), text


def test_what_is_recorded_is_recorded_by_a_rule() -> None:
    asked = {name for question in questions() if question.source == "prometheus" for name in _names(question.text)}

    assert {name for name in asked if ":" in name} <= RECORDED
    assert len(asked & RECORDED) > len(RECORDED) / 2


def _names(text: str) -> set[str]:
    return metric_names(re.sub(r"\[\$[^\]]*\]", "[5m]", text).replace("$__interval_ms", "1"))


def test_all_that_plugins_and_apps_are_asked_to_report_is_shown() -> None:
    table = (MONITORING.parent / "docs/instrumentation.md").read_text().partition("## Names")[2].partition("\n#")[0]
    families = [line.split("|")[2] for line in table.splitlines() if line.startswith("|")]
    wanted = set(re.findall(r"`(\w+)`", " ".join(families)))
    recorded = set().union(*(metric_names(rule.text["expr"]) for rule in rules() if "record" in rule.text))
    asked = recorded.union(*(_names(question.text) for question in questions() if question.source == "prometheus"))

    assert len(wanted) > 20
    assert wanted - {name.removesuffix("_bucket") for name in asked} == set()


def test_a_query_uses_only_variables_that_its_dashboard_has() -> None:
    for question in questions():
        known = set(variables(BOARDS[question.board])) | GRAFANAS_OWN
        assert set(re.findall(r"\$(\w+)", question.text)) <= known, question


def test_every_dashboard_can_be_narrowed_by_cluster_and_environment_and_leads_to_the_others() -> None:
    for board in BOARDS.values():
        assert {"cluster", "environment"} <= set(variables(board))
        assert [(link["tags"], link["includeVars"], link["keepTime"]) for link in board["links"][:1]] == [
            (["white-room"], True, True)
        ]
        assert "white-room" in board["tags"]


def test_dashboards_of_machines_and_series_of_hosts_lead_to_their_logs_of_the_same_time() -> None:
    of_boards = [link for board in BOARDS.values() for link in board["links"][1:]]
    of_series = [link for _, it in PANELS for link in it.get("fieldConfig", {}).get("defaults", {}).get("links", [])]

    assert len(of_boards) == 3
    assert len(of_series) > 20
    for url, hosts in {*_logs(of_boards, "${host:pipe}"), *_logs(of_series, "${__field.labels.host}")}:
        pane = json.loads(parse_qs(urlsplit(url).query)["panes"][0])["logs"]
        assert pane["datasource"] == "wr-loki"
        assert [query["expr"] for query in pane["queries"]] == [f'{{host=~"{hosts}"}}']
        assert pane["range"] == {"from": "1000", "to": "2000"}


def _logs(links: list[dict[str, Any]], variable: str) -> set[tuple[str, str]]:
    """Where the links lead, once Grafana has filled them in, and the hosts that they then are of."""
    hosts = "studio-1|studio-2"
    values = {variable: hosts, "${__from}": "1000", "${__to}": "2000"}
    return {(re.sub(r"\$\{.*?\}", lambda found: values[found[0]], link["url"]), hosts) for link in links}


def test_grafana_is_given_the_data_sources_and_the_folder_that_it_needs(config: Path) -> None:
    given = yaml.safe_load((config / "grafana/datasources/white-room.yml").read_text())["datasources"]
    providers = yaml.safe_load((config / "grafana/dashboards/white-room.yml").read_text())["providers"]
    used = {
        (query["datasource"]["type"], query["datasource"]["uid"]) for _, it in PANELS for query in it.get("targets", [])
    }

    assert {(source["type"], source["uid"]) for source in given} == used | {("alertmanager", "wr-alertmanager")}
    assert all(re.fullmatch(r"http://[\w.]+:\d+", source["url"]) for source in given)
    groups = next(panel for _, panel in PANELS if panel["type"] == "alertGroups")
    assert groups["options"]["alertmanager"] in {source["name"] for source in given}
    assert [Path(provider["options"]["path"]) for provider in providers] == [FILES[0].parent]
