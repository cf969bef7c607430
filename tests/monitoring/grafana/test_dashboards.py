"""The committed dashboards: layout, units, axes, titles, links, and agreement with rules and data sources."""

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

from monitoring.grafana.boards import runbooks
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

    assert committed == files(), "run: python -m monitoring.grafana.boards"


def test_the_committed_runbooks_are_those_of_the_markdown() -> None:
    folder = MONITORING / "grafana/runbooks"

    assert {file.name: file.read_text() for file in folder.glob("*.json")} == runbooks.files()


def test_each_alert_has_a_page_with_its_runbook_whose_links_resolve() -> None:
    pages = {json.loads(text)["uid"]: json.loads(text) for text in runbooks.files().values()}

    assert {f"runbook-{name}" for name in ALERTS} == set(pages)
    for page in pages.values():
        content = page["panels"][0]["options"]["content"]
        assert "**Impact.**" in content
        assert "<!--" not in content
        linked = set(re.findall(r"\]\(/d/([\w-]+)\)", content))
        assert linked <= set(pages) | set(BOARDS)
        assert ".md)" not in content


def test_the_uids_that_bookmarks_and_alerts_rely_on_stay() -> None:
    assert set(BOARDS) == {"wr-system-health", "wr-application", "wr-business", "wr-alerts", "wr-audio"}


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_leads_to_a_dashboard_and_to_variables_that_it_has(name: str) -> None:
    link = urlsplit(re.sub(r"\{\{.*?\}\}", "x", ALERTS[name]["annotations"]["dashboard"]))
    board = BOARDS[link.path.removeprefix("/d/")]
    named = {key.removeprefix("var-") for key in parse_qs(link.query)}

    assert named <= set(variables(board))


def test_panels_have_unique_ids_and_do_not_overlap() -> None:
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
def test_a_panel_has_a_description_a_unit_and_a_text_for_no_data(uid: str, panel: dict[str, Any]) -> None:
    assert re.match(r"[A-Z].{15,}\.$", panel["description"]), uid
    if panel["type"] != "logs":
        meaning = panel["fieldConfig"]["defaults"]
        assert meaning["unit"]
        assert meaning["noValue"]


@EACH_PANEL
def test_the_queries_of_a_panel_have_unique_letters(uid: str, panel: dict[str, Any]) -> None:
    letters = [query["refId"] for query in panel.get("targets", [])]

    assert letters == sorted(set(letters)), uid
    assert letters


def test_the_line_of_an_alert_is_its_limit() -> None:
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
    """Return the numbers that an alert's expression compares with."""
    return {float(number) for number in re.findall(r"[<>]=? ([\d.]+)", ALERTS[alert]["expr"])}


def test_quantiles_come_from_rates_summed_by_le() -> None:
    texts = [question.text for question in questions() if "histogram_quantile" in question.text]

    assert texts
    for text in texts:
        assert re.search(r"histogram_quantile\([\d.]+, sum by \([\w, ]*\ble\) \(rate\(\w+_bucket\{", text), text


def test_recorded_names_have_a_rule() -> None:
    asked = {name for question in questions() if question.source == "prometheus" for name in _names(question.text)}

    assert {name for name in asked if ":" in name} <= RECORDED | {"team:contact:info"}
    assert len(asked & RECORDED) > len(RECORDED) / 2


def _names(text: str) -> set[str]:
    return metric_names(re.sub(r"\[\$[^\]]*\]", "[5m]", text).replace("$__interval_ms", "1"))


def test_every_family_of_plugins_and_apps_is_shown() -> None:
    table = (MONITORING.parent / "docs/instrumentation.md").read_text().partition("## Names")[2].partition("\n#")[0]
    families = [line.split("|")[2] for line in table.splitlines() if line.startswith("|")]
    wanted = set(re.findall(r"`(\w+)`", " ".join(families)))
    recorded = set().union(*(metric_names(rule.text["expr"]) for rule in rules() if "record" in rule.text))
    asked = recorded.union(*(_names(question.text) for question in questions() if question.source == "prometheus"))

    assert len(wanted) > 20
    assert wanted - {name.removesuffix("_bucket") for name in asked} == set()


def test_a_query_uses_variables_of_its_dashboard() -> None:
    for question in questions():
        known = set(variables(BOARDS[question.board])) | GRAFANAS_OWN
        assert set(re.findall(r"\$([a-z_]\w*)", question.text)) <= known, question


def test_every_dashboard_can_be_narrowed_by_cluster_and_environment_and_leads_to_the_others() -> None:
    for board in BOARDS.values():
        assert {"cluster", "environment"} <= set(variables(board))
        assert [(link["tags"], link["includeVars"], link["keepTime"]) for link in board["links"][:1]] == [
            (["white-room"], True, True)
        ]
        assert "white-room" in board["tags"]


def test_dashboards_and_series_of_hosts_link_to_their_logs() -> None:
    of_boards = [link for board in BOARDS.values() for link in board["links"][1:]]
    of_all = [link for _, it in PANELS for link in it.get("fieldConfig", {}).get("defaults", {}).get("links", [])]
    of_series = [link for link in of_all if link["url"].startswith("/explore")]

    assert len(of_boards) == 3
    assert len(of_series) > 20
    for url, hosts in {*_logs(of_boards, "${host:pipe}"), *_logs(of_series, "${__field.labels.host}")}:
        pane = json.loads(parse_qs(urlsplit(url).query)["panes"][0])["logs"]
        assert pane["datasource"] == "wr-loki"
        assert [query["expr"] for query in pane["queries"]] == [f'{{host=~"{hosts}"}}']
        assert pane["range"] == {"from": "1000", "to": "2000"}


def _logs(links: list[dict[str, Any]], variable: str) -> set[tuple[str, str]]:
    """Return each link with its variables filled in, and its hosts."""
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
    assert [Path(provider["options"]["path"]) for provider in providers] == [
        FILES[0].parent,
        MONITORING / "grafana/runbooks",
    ]


SUPPORTED_PANELS = {
    *("bargauge", "heatmap", "logs", "stat", "state-timeline", "table", "text", "timeseries"),
}
"""The panel types that Grafana 10, 11, 12 and 13 all have as stable features."""


def test_the_schema_is_that_of_the_oldest_supported_version() -> None:
    assert {board["schemaVersion"] for board in BOARDS.values()} == {36}


def test_only_panels_of_every_supported_version_are_used() -> None:
    assert {panel["type"] for _, panel in PANELS} <= SUPPORTED_PANELS


def test_an_axis_begins_at_0_and_a_ratio_ends_at_1() -> None:
    for _, panel in PANELS:
        if panel["type"] != "timeseries":
            continue
        meaning = panel["fieldConfig"]["defaults"]
        custom = meaning["custom"]
        if meaning["unit"] == "dB":
            assert (meaning["min"], meaning["max"], custom["fillOpacity"]) == (-120, 0, 0)
            continue
        assert meaning["min"] == 0, panel["title"]
        assert custom["axisSoftMax"] > 0, panel["title"]
        assert meaning["unit"] != "percentunit" or custom["axisSoftMax"] == 1, panel["title"]
        assert meaning["unit"] != "locale" or meaning["decimals"] == 0, panel["title"]


def test_a_bar_begins_at_0() -> None:
    bars = [panel for _, panel in PANELS if panel["type"] == "bargauge"]

    assert bars
    assert {panel["fieldConfig"]["defaults"]["min"] for panel in bars} == {0}


def test_a_number_has_a_trend_or_sums_over_the_whole_time() -> None:
    for _, panel in PANELS:
        if panel["type"] == "stat":
            instant = all(query["instant"] for query in panel["targets"])
            assert panel["options"]["graphMode"] == ("none" if instant else "area")


def test_a_missing_number_has_no_alarm_colour() -> None:
    for _, panel in PANELS:
        if panel["type"] == "stat":
            mappings = panel["fieldConfig"]["defaults"]["mappings"]
            assert [it["options"]["result"]["color"] for it in mappings if it["type"] == "special"] == ["text"]


def test_a_limit_is_a_red_line_on_either_side() -> None:
    lines = [
        step["color"]
        for _, panel in PANELS
        if panel["type"] == "timeseries"
        for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"][1:]
    ]

    assert set(lines) == {"red"}


def test_an_empty_cell_stays_empty_and_an_empty_table_has_a_text() -> None:
    for _, panel in PANELS:
        if panel["type"] == "table":
            cells = {
                value["value"]
                for override in panel["fieldConfig"]["overrides"]
                for value in override["properties"]
                if value["id"] == "noValue"
            }
            assert cells == {" "}
            assert panel["fieldConfig"]["defaults"]["noValue"].strip()


def test_marks_are_points_of_the_same_host_and_off_elsewhere() -> None:
    for uid, board in BOARDS.items():
        marks = board["annotations"]["list"]
        by_host = "host" in variables(board)
        assert [mark["enable"] for mark in marks] == [by_host] * 2, uid
        assert all(" unless " in mark["expr"] for mark in marks)
        assert all(f"offset {mark['step']}" in mark["expr"] for mark in marks)
        assert all(('host=~"$host"' in mark["expr"]) == by_host for mark in marks)


def test_a_graph_of_hosts_shows_ten_series_a_query() -> None:
    for _, panel in PANELS:
        if panel["type"] == "timeseries":
            for query in panel["targets"]:
                limited = re.search(r"\) and (top|bottom)k\(10, ", query["expr"])
                assert bool(limited) == ("{{host}}" in query["legendFormat"]), panel["title"]


def test_states_of_hosts_show_the_ten_worst_of_a_query() -> None:
    for _, panel in PANELS:
        if panel["type"] == "state-timeline" and panel["title"] != "P0 and P1 alerts":
            for query in panel["targets"]:
                limited = re.search(r"\) and bottomk\(10, ", query["expr"])
                assert bool(limited) == ("{{host}}" in query["legendFormat"]), panel["title"]


def test_a_series_over_time_has_a_bounded_number_of_points() -> None:
    for _, panel in PANELS:
        if panel["datasource"]["type"] == "prometheus":
            over_time = not all(query["instant"] for query in panel["targets"])
            assert panel.get("maxDataPoints") == (240 if over_time else None), panel["title"]


def test_dropouts_between_two_points_of_a_long_range_are_shown() -> None:
    recorded = [it for it in questions() if "host_device:dropouts:increase1m{" in it.text]
    (last,) = (it for it in questions() if it.where == "Last dropout A")

    assert recorded
    for question in recorded:
        assert re.search(r"max_over_time\(host_device:dropouts:increase1m\{[^}]*\}\[\$__interval\]\)", question.text)
    assert re.search(r"increase\(\w+\{[^}]*\}\[\$__rate_interval\]\).*\[\$__range:\$__interval\]", last.text)


def test_every_dashboard_of_machines_begins_with_its_p0_and_p1_alerts() -> None:
    for uid in ("wr-system-health", "wr-application", "wr-alerts", "wr-audio"):
        first = panels(BOARDS[uid])[0]
        assert (first["type"], first["title"]) == ("state-timeline", "P0 and P1 alerts")


def test_an_alert_in_the_table_links_to_its_runbook_and_dashboard() -> None:
    table = next(panel for _, panel in PANELS if panel["title"] == "Firing alerts")
    overrides = {it["matcher"]["options"]: it["properties"] for it in table["fieldConfig"]["overrides"]}
    urls = {name: it["value"][0]["url"] for name, its in overrides.items() for it in its if it["id"] == "links"}

    assert urls == {"Alert": "/d/runbook-${__value.raw}", "Dashboard": "/d/${__value.raw}"}
    for name, alert in ALERTS.items():
        board = urlsplit(alert["annotations"]["dashboard"]).path.removeprefix("/d/")
        assert re.search(rf'"board", "{board}", "alertname", "(\w+\|)*{name}[|"]', table["targets"][0]["expr"])


TITLE_WORDS = set((Path(__file__).parent / "title_words.txt").read_text().split())
"""The words of titles: terms of the field. Add a word only if the field uses it."""


def test_titles_use_one_list_of_words() -> None:
    titles = [panel["title"] for board in BOARDS.values() for panel in board["panels"]]
    words = {word.strip("(),?:").lower() for title in titles for word in title.split()}

    assert words - TITLE_WORDS == set()
