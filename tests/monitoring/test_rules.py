"""The alerting rules: their labels and texts, and their cases for promtool."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.support.monitoring import MONITORING, RULES, Rule, rules
from tests.support.promql import metric_names

CASES = Path(__file__).parent / "rules"
ALERTING = [rule for rule in rules() if "alert" in rule.text]
ALERTS = {rule.text["alert"]: rule for rule in ALERTING}
PRIORITY_OF = {"critical": "P0", "high": "P1", "medium": "P2", "low": "P3"}
TEAMS = {"audio", "backend", "database", "frontend", "platform", "product", "security"}
RESPONSE_MINUTES = {"P0": 5, "P1": 30, "P2": 120, "P3": 1440}
ALWAYS_FIRES = {"DeadMansSwitch"}
TAKE_LONG = {"availability"}
"""Cases that need many seconds of processor time."""

each_alert = pytest.mark.parametrize(
    "alert", ALERTING, ids=[f"{rule.text['alert']}-{rule.text['labels']['priority']}" for rule in ALERTING]
)


each_file = pytest.mark.parametrize(
    "cases",
    [
        pytest.param(path, marks=[pytest.mark.slow] if path.stem in TAKE_LONG else [], id=path.stem)
        for path in sorted(CASES.glob("*.yml"))
    ],
)


@each_file
def test_every_case_passes(cases: Path) -> None:
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


def test_each_recording_has_a_case() -> None:
    recorded = {rule.text["record"] for rule in rules() if "record" in rule.text}
    asked = [rule.text["expr"] for rule in rules()]
    for case in yaml.safe_load((CASES / "recording.yml").read_text())["tests"]:
        asked += [check["expr"] for check in case["promql_expr_test"]]

    assert recorded - set[str]().union(*(metric_names(expression) for expression in asked)) == set()


def test_there_are_enough_alerts_and_groups() -> None:
    assert len(ALERTS) >= 30
    assert len({rule.group for rule in ALERTS.values()}) >= 6


def test_no_two_rules_share_a_name() -> None:
    names = [(rule.text.get("alert") or rule.text["record"], str(rule.text.get("labels"))) for rule in rules()]

    assert len(names) == len(set(names))


@each_alert
def test_each_alert_has_a_severity_its_priority_and_a_team(alert: Rule) -> None:
    labels = alert.text["labels"]

    assert labels["priority"] == PRIORITY_OF[labels["severity"]]
    assert labels["team"] in TEAMS


@each_alert
def test_each_alert_has_a_summary_a_description_a_dashboard_and_a_runbook(alert: Rule) -> None:
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
def test_a_page_about_a_symptom_that_comes_and_goes_is_held(alert: Rule) -> None:
    flapping = re.search(r"rate(1m|5m)\b.* [<>]|_load_ratio\[|dropouts:increase|ui_frame_rate", alert.text["expr"])

    assert not flapping or alert.text["keep_firing_for"] in {"2m", "5m"}


@each_alert
def test_each_alert_has_a_runbook(alert: Rule) -> None:
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", alert.text["alert"]).upper()

    assert alert.text["annotations"]["runbook"] == f"runbooks/{name}.md"
    assert (MONITORING / "runbooks" / f"{name}.md").is_file()


def test_every_runbook_belongs_to_an_alert() -> None:
    linked = {rule.text["annotations"]["runbook"].removeprefix("runbooks/") for rule in ALERTING}

    assert {path.name for path in (MONITORING / "runbooks").glob("*.md")} - linked == set()


@pytest.mark.parametrize("file", RULES, ids=lambda path: path.stem)
def test_promtool_accepts_every_rule(file: Path) -> None:
    command = ["promtool", "check", "rules", "--lint=all", "--lint-fatal", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


def test_a_quantile_comes_from_rates_summed_by_le() -> None:
    quantiles = [rule for rule in rules() if "histogram_quantile" in rule.text["expr"]]
    right = re.compile(r"histogram_quantile\(0\.\d+, sum by \([a-z_, ]*\ble\) \(rate\(\w+_bucket\[\w+\]\)\)\)")

    assert quantiles
    assert [rule.text for rule in quantiles if not right.search(rule.text["expr"])] == []
