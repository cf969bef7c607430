"""drill.sh with a stack that runs fifteen times faster, and the demo."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from monitoring.drill.exercises import ACTIONS, EXERCISES
from monitoring.runbooks.alerts import alerts
from tests.support.monitoring import MONITORING
from tests.support.prometheus import free_port
from tests.support.stack import hastened
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(600)

ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "PYTHON": sys.executable}
REAL_SECRETS = {"PAGERDUTY_SERVICE_KEY_CRITICAL": "f" * 32, "SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/x"}


@pytest.fixture(scope="module")
def fast_stack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the stack with all durations divided by fifteen."""
    ignored = shutil.ignore_patterns("__pycache__", ".env")
    copy = shutil.copytree(MONITORING, tmp_path_factory.mktemp("fast") / "monitoring", ignore=ignored)
    for file in [*copy.glob("prometheus/**/*.yml"), copy / "alertmanager/alertmanager.yml"]:
        file.write_text(hastened(file.read_text(), 15))
    return copy


def drill(*arguments: str | Path, answers: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [MONITORING / "drill.sh", *arguments],
        env=ENVIRONMENT | REAL_SECRETS,
        input=answers,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )


def test_each_exercise_is_of_an_alert_and_has_an_action() -> None:
    known = {(alert.name, alert.priority, alert.runbook) for alert in alerts()}

    assert {(it.alert, it.priority, it.runbook) for it in EXERCISES} <= known
    assert {it.fix for it in EXERCISES} == set(ACTIONS)


def test_the_exercises_are_listed() -> None:
    assert drill("--list").stdout.split() == [it.name for it in EXERCISES]


def test_every_fault_pages_and_its_fix_resolves_it(fast_stack: Path, tmp_path: Path) -> None:
    result = tmp_path / "report.json"
    done = drill("--auto", "--stack", fast_stack, "--warm-up", "5", "--report", result)

    assert done.returncode == 0, done.stdout + done.stderr
    rows = json.loads(result.read_text())
    assert [(row["exercise"], row["resolved"], row["score"]) for row in rows] == [
        (it.name, True, 100) for it in EXERCISES
    ]
    assert "mean score: 100 of 100" in done.stdout


def test_a_wrong_runbook_and_a_wrong_action_cost_points(fast_stack: Path) -> None:
    answers = "HIGH_CPU\nstart redis now\nstart agent\nresume backend\n"
    done = drill("--only", "hung", "--stack", fast_stack, "--warm-up", "5", answers=answers)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "PAGE  [DRILL] [P1] backend on drill-studio does not respond." in done.stdout
    assert "'start redis now' is not an action" in done.stdout
    assert "mean score: 50 of 100" in done.stdout


@contextmanager
def running_demo(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Start the demo in a folder, yield its ports by name, and end it."""
    names = ("PROMETHEUS", "ALERTMANAGER", "GRAFANA", "LOKI", "LOKI_GRPC")
    ports = {f"{name}_PORT": str(free_port()) for name in names}
    log = tmp_path / "demo.log"
    env = ENVIRONMENT | REAL_SECRETS | ports | {"TMPDIR": str(tmp_path)}
    with log.open("wb") as said:
        demo = subprocess.Popen([MONITORING / "start.sh", "--demo"], env=env, stdout=said, stderr=said)
    try:
        eventually(
            lambda: "this is a demo" in log.read_text() or demo.poll() is not None, f"the demo runs; see {log}", 90
        )
        assert demo.poll() is None, log.read_text()
        yield ports
    finally:
        demo.send_signal(signal.SIGINT)
        assert demo.wait(60) == 0


def test_the_demo_is_filled_in_marked_and_reaches_only_loopback(tmp_path: Path) -> None:
    with running_demo(tmp_path) as ports:
        (folder,) = tmp_path.glob("wr-demo-*")
        _is_marked_and_local(folder)
        _has_data(ports["PROMETHEUS_PORT"])
    assert list(tmp_path.glob("wr-demo-*")) == []


def _is_marked_and_local(folder: Path) -> None:
    config = folder / "data/config"
    alertmanager = yaml.safe_load((config / "alertmanager.yml").read_text())["global"]
    secrets = {file.name: file.read_text() for file in (folder / "data/secrets").iterdir()}

    assert alertmanager["pagerduty_url"].startswith("http://127.0.0.1:")
    assert alertmanager["smtp_smarthost"].startswith("127.0.0.1:")
    assert secrets["slack-webhook-url"].startswith("http://127.0.0.1:")
    assert not set(secrets.values()) & set(REAL_SECRETS.values())
    assert "[DEMO] " in (config / "templates/links.tmpl").read_text()
    providers = yaml.safe_load((config / "grafana/dashboards/white-room.yml").read_text())["providers"]
    boards = [file for provider in providers for file in Path(provider["options"]["path"]).glob("*.json")]
    assert len(boards) > 60
    assert all(json.loads(file.read_text())["title"].startswith("[DEMO] ") for file in boards)


def _has_data(port: str) -> None:
    def known() -> bool:
        query = "service:http_requests:rate5m%20or%20up%7Bjob%3D%22agent%22%7D%3D%3D1"
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/query?query={query}", timeout=30) as answer:
            return bool(json.load(answer)["data"]["result"])

    eventually(known, "Prometheus has data of the studio", 90)
