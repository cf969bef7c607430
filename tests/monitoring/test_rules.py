"""Each alert is told completely, and has been seen to fire, to stay quiet, and to meet data that ends."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.support.monitoring import MONITORING, RULES, Rule, rules
from tests.support.promql import metric_names

CASES = Path(__file__).parent / "rules"
ALERTS = {rule.text["alert"]: rule for rule in rules() if "alert" in rule.text}
PRIORITY_OF = {"critical": "P0", "high": "P1", "medium": "P2", "low": "P3"}
TEAMS = {"audio", "backend", "database", "frontend", "platform", "product", "security"}
RESPONSE_MINUTES = {"P0": 5, "P1": 30, "P2": 120, "P3": 1440}
ALWAYS_FIRES = {"DeadMansSwitch"}

each_alert = pytest.mark.parametrize("alert", list(ALERTS.values()), ids=list(ALERTS))


@pytest.mark.parametrize("cases", sorted(CASES.glob("*.yml")), ids=lambda path: path.stem)
def test_promtool_sees_every_case_as_it_is_expected(cases: Path) -> None:
    done = subprocess.run(
        ["promtool", "test", "rules", cases], capture_output=True, text=True, check=False, timeout=120
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_has_a_case_that_fires_one_that_does_not_and_one_without_data() -> None:
    seen = {name: {"fires", "stays quiet", "no data"} if name in ALWAYS_FIRES else set[str]() for name in ALERTS}
    for file in set(CASES.glob("*.yml")) - {CASES / "recording.yml"}:
        for case in yaml.safe_load(file.read_text())["tests"]:
            match = re.match(r"(\w+) (fires|stays quiet|no data)\b", case["name"])
            assert match, f"{file.name}: expected a case named `Alert fires`, found {case['name']!r}"
            checked = [check for check in case["alert_rule_test"] if check["alertname"] == match[1]]
            fires = [bool(check.get("exp_alerts")) for check in checked]
            assert fires, f"{case['name']}: checks another alert"
            assert match[2] == "no data" or any(fires) == (match[2] == "fires"), case["name"]
            assert match[2] != "fires" or len(fires) > ("for" in ALERTS[match[1]].text), f"{case['name']}: not yet, too"
            seen[match[1]].add(match[2])

    assert {name: kinds for name, kinds in seen.items() if len(kinds) < 3} == {}


def test_each_recording_is_asked_for_by_a_case() -> None:
    recorded = {rule.text["record"] for rule in rules() if "record" in rule.text}
    asked = [rule.text["expr"] for rule in rules()]
    for case in yaml.safe_load((CASES / "recording.yml").read_text())["tests"]:
        asked += [check["expr"] for check in case["promql_expr_test"]]

    assert recorded - set[str]().union(*(metric_names(expression) for expression in asked)) == set()


def test_there_are_as_many_alerts_and_groups_as_were_asked_for() -> None:
    assert len(ALERTS) >= 30
    assert len({rule.group for rule in ALERTS.values()}) >= 6


def test_no_two_rules_share_a_name() -> None:
    names = [(rule.text.get("alert") or rule.text["record"], str(rule.text.get("labels"))) for rule in rules()]

    assert len(names) == len(set(names))


@each_alert
def test_each_alert_says_how_bad_it_is_and_whose(alert: Rule) -> None:
    labels = alert.text["labels"]

    assert labels["priority"] == PRIORITY_OF[labels["severity"]]
    assert labels["team"] in TEAMS


@each_alert
def test_each_alert_tells_a_person_what_where_and_what_to_do(alert: Rule) -> None:
    annotations = alert.text["annotations"]

    assert set(annotations) == {"summary", "description", "dashboard", "runbook"}
    assert re.fullmatch(r"/d/wr-[a-z-]+(\?var-.*)?", annotations["dashboard"])
    assert annotations["dashboard"].count("{{") == annotations["dashboard"].count(" | urlquery }}")
    assert re.search(r"\{\{ \$value(?! \| humanize)", annotations["description"]) is None


@each_alert
def test_an_alert_waits_a_fraction_of_its_response_time_at_most(alert: Rule) -> None:
    waits = alert.text.get("for", "0m")
    minutes = int(waits[:-1]) * {"s": 1 / 60, "m": 1, "h": 60}[waits[-1]]

    assert minutes <= RESPONSE_MINUTES[alert.text["labels"]["priority"]]


@each_alert
def test_the_runbook_of_each_alert_is_there(alert: Rule) -> None:
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", alert.text["alert"]).upper()

    assert alert.text["annotations"]["runbook"] == f"runbooks/{name}.md"
    assert (MONITORING / "runbooks" / f"{name}.md").is_file()


def test_every_runbook_is_of_an_alert() -> None:
    linked = {rule.text["annotations"]["runbook"].removeprefix("runbooks/") for rule in ALERTS.values()}

    assert {path.name for path in (MONITORING / "runbooks").glob("*.md")} - linked == set()


@pytest.mark.parametrize("file", RULES, ids=lambda path: path.stem)
def test_promtool_finds_nothing_to_complain_of(file: Path) -> None:
    command = ["promtool", "check", "rules", "--lint=all", "--lint-fatal", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


def test_a_quantile_is_of_rates_that_were_summed_over_all_but_the_bucket() -> None:
    quantiles = [rule for rule in rules() if "histogram_quantile" in rule.text["expr"]]
    right = re.compile(r"histogram_quantile\(0\.\d+, sum by \([a-z_, ]*\ble\) \(rate\(\w+_bucket\[\w+\]\)\)\)")

    assert quantiles
    assert [rule.text for rule in quantiles if not right.search(rule.text["expr"])] == []
