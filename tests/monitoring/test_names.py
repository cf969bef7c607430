"""The metrics of rules and runbooks: each one is exported."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from agent.config.remote_write import RemoteWriteConfig
from agent.push.health import Health, QueueState
from tests.support import exporters
from tests.support.agent import agent
from tests.support.monitoring import MONITORING, rules
from tests.support.prometheus import free_port
from tests.support.promql import metric_names
from tests.support.waiting import eventually

ROOT = MONITORING.parent
RUNBOOKS = sorted((MONITORING / "runbooks").glob("*.md"))
SUFFIXES = re.compile(r"_(bucket|sum|count)$")
QUERY = re.compile(r"promtool query instant \S+ '(.+)'$", re.MULTILINE)

PROMETHEUS_OWN = {"up", "ALERTS", "scrape_duration_seconds"}
BLACKBOX = {"probe_success"}  # it sends ICMP, which not every machine that runs tests may do

# What the engine and the app report of themselves, and so no source of this repository: REQUIREMENTS' names.
PLATFORM = {
    "active_users_sketch",
    "active_users_total",
    "app_errors_total",
    "audio_channel_cpu_usage",
    "audio_engine_render_time_seconds",
    "audio_engine_xruns_total",
    "authentication_failures_total",
    "deployment_version",
    "export_duration_seconds",
    "feature_usage_total",
    "ffi_call_duration_seconds",
    "ffi_calls_total",
    "ffi_errors_total",
    "http_active_connections",
    "http_request_duration_seconds",
    "http_requests_total",
    "performances_switched_total",
    "session_duration_seconds",
    "song_load_duration_seconds",
    "songs_created_total",
    "ui_frame_rate",
    "ui_interaction_time_seconds",
    "ui_render_time_seconds",
    "ui_transition_duration_seconds",
    "user_signups_total",
}


def sample_names(page: str) -> set[str]:
    """Return the names of all series of a text page."""
    return set(re.findall(r"^([a-zA-Z_:][\w:]*)", page, re.MULTILINE))


FAMILIES = {"gauge", "counter", "histogram", "unknown"}


def written_names() -> Iterator[str]:
    """Yield the names of families in the agent's code.

    Collectors also have them in tables, so every string there counts. Elsewhere in the agent there are readers of
    metrics, too: there, it is what a family is made with.
    """
    for file in (ROOT / "collectors").rglob("*.py"):
        yield from _texts(ast.walk(ast.parse(file.read_text())))
    for file in (ROOT / "agent").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FAMILIES:
                yield from _texts(node.args[:1])


def _texts(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


EXPORTERS = (exporters.postgres, exporters.redis, exporters.nginx)


def _monitoring(folder: Path, running: ExitStack) -> tuple[str, str]:
    """Run a Prometheus with rules and an Alertmanager, and return their pages. Some families appear only with both."""
    prometheus, alertmanager = (f"127.0.0.1:{free_port()}" for _ in range(2))
    (folder / "alertmanager.yml").write_text("route: {receiver: none}\nreceivers: [{name: none}]\n")
    (folder / "prometheus.yml").write_text(
        f"rule_files: ['{MONITORING}/prometheus/rules/*.yml']\n"
        f"alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{alertmanager}']}}]}}]}}\n"
    )
    for program, address, storage in (
        ("prometheus-alertmanager", alertmanager, "--storage.path"),
        ("prometheus", prometheus, "--storage.tsdb.path"),
    ):
        config = folder / f"{program.removeprefix('prometheus-')}.yml"
        command = [program, f"--config.file={config}", f"{storage}={folder / program}.data"]
        running.enter_context(exporters.process([*command, f"--web.listen-address={address}"], folder))
    page = f"http://{prometheus}/metrics"
    eventually(lambda: "notifications_errors_total" in (exporters.page(page) or ""), "Prometheus found Alertmanager")
    return page, f"http://{alertmanager}/metrics"


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Return the metrics of real servers, and all metrics of the agent's code."""
    folder = tmp_path_factory.mktemp("exporters")
    with ExitStack() as running:
        urls = [*_monitoring(folder, running)]
        urls += [running.enter_context(start(folder)).metrics for start in EXPORTERS]
        pages = [eventually(partial(exporters.page, url), f"{url} answers") for url in urls]
        pages.append(running.enter_context(agent(folder)).get("/metrics")[2])
    pushed = {family.name for family in Health(RemoteWriteConfig(), QueueState).families()}
    return {*PROMETHEUS_OWN, *BLACKBOX, *PLATFORM, *pushed, *written_names()}.union(
        *(sample_names(page) for page in pages)
    )


RECORDED = {rule.text["record"] for rule in rules() if "record" in rule.text}


def unknown(expression: str, exported: set[str]) -> set[str]:
    names = metric_names(expression) - RECORDED
    return {name for name in names if name not in exported and SUFFIXES.sub("", name) not in exported}


def test_every_metric_of_a_rule_is_exported_by_something(exported: set[str]) -> None:
    asked = {rule.text.get("alert") or rule.text["record"]: unknown(rule.text["expr"], exported) for rule in rules()}

    assert {name: missing for name, missing in asked.items() if missing} == {}


def test_every_metric_of_a_runbook_is_exported_by_something(exported: set[str]) -> None:
    written = {
        file.stem: re.findall(r"`([a-z][a-z_:0-9]*_[a-z_:0-9]+)(?:\{[^`]*)?`", file.read_text()) for file in RUNBOOKS
    }
    queried = {file.stem: QUERY.findall(file.read_text()) for file in RUNBOOKS}
    missing = {
        book: set[str]().union(*(unknown(expression, exported) for expression in [*written[book], *queried[book]]))
        for book in written
    }

    assert {book: names - NO_METRICS for book, names in missing.items() if names - NO_METRICS} == {}


# Words with an underscore between backticks that name something else: settings of servers.
NO_METRICS = {
    "chunks_head",
    "ingestion_rate_mb",
    "limit_conn",
    "line_too_long",
    "max_age",
    "max_connections",
    "max_line_size",
    "max_size",
    "out_of_order_time_window",
    "sch_engine_load_song",
    "structured_metadata",
    "out_of_bounds",
    "too_far_behind",
    "too_new",
    "too_old",
    "worker_connections",
    "worker_rlimit_nofile",
}


def test_every_query_of_a_runbook_is_one_that_prometheus_can_read(tmp_path: Path) -> None:
    queries = [query for file in RUNBOOKS for query in QUERY.findall(file.read_text())]
    lines = [f"  - {{record: 'query:number{number}', expr: {query!r}}}" for number, query in enumerate(queries)]
    file = tmp_path / "queries.yml"
    file.write_text("groups:\n- name: runbooks\n  rules:\n" + "\n".join(lines) + "\n")
    done = subprocess.run(["promtool", "check", "rules", file], capture_output=True, text=True, check=False)

    assert len(queries) > len(RUNBOOKS) / 2
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("a_total", {"a_total"}),
        ('sum by (host, le) (rate(a_bucket{le="b_c"}[5m])) > 0', {"a_bucket"}),
        ("x offset 10m and on (host) group_left (role) y:z == 1", {"x", "y:z"}),
        ("1 - avg(a) / (b > 0) * 1e3 or vector(1)", {"a", "b"}),
    ],
)
def test_the_names_in_an_expression_are_found(expression: str, names: set[str]) -> None:
    assert metric_names(expression) == names
