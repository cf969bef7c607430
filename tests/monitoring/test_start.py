"""start.sh: its options, the files that it writes, and the stack that it runs."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest
import yaml

from tests.monitoring.test_rules import TEAMS
from tests.support import exporters
from tests.support.monitoring import MONITORING, SETTINGS, environment, rendered, start_sh
from tests.support.prometheus import Prometheus, free_port
from tests.support.waiting import PATIENCE, eventually

SECRETS = ("GRAFANA_ADMIN_PASSWORD", "PAGERDUTY_SERVICE_KEY_CRITICAL", "PAGERDUTY_SERVICE_KEY_HIGH", "SMTP_PASSWORD")
SHELL = (
    *("bash", "cat", "chmod", "cp", "dirname", "env", "grep", "id", "mkdir", "mv", "readlink", "rm", "sed", "tail"),
    *("tr", "uname"),
)
ESSENTIAL = ("prometheus", "promtool", "prometheus-alertmanager", "amtool")


class Stack(NamedTuple):
    """A running start.sh.

    Attributes:
        script: Its process.
        prometheus: Its Prometheus.
        data: Its directory.
    """

    script: subprocess.Popen[bytes]
    prometheus: Prometheus
    data: Path

    def processes(self, program: str) -> list[psutil.Process]:
        """Return its processes of this program."""
        children = psutil.Process(self.script.pid).children(recursive=True)
        return [it for it in children if _program(it) == program]


def _program(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error, IndexError):
        return Path(process.cmdline()[0]).name
    return ""


def _lives(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


@contextlib.contextmanager
def stack(data: Path, settings: Mapping[str, str]) -> Iterator[Stack]:
    """Run the stack on free ports."""
    names = ("PROMETHEUS", "ALERTMANAGER", "LOKI", "LOKI_GRPC", "GRAFANA", "REDIS_EXPORTER", "BLACKBOX_EXPORTER")
    ports = {f"{name}_PORT": str(free_port()) for name in names}
    env = environment(data, SETTINGS | ports | dict(settings))
    with data.with_suffix(".log").open("ab") as log:
        script = subprocess.Popen([MONITORING / "start.sh", "--processes"], env=env, stdout=log, stderr=log)
    server = Prometheus(f"http://127.0.0.1:{ports['PROMETHEUS_PORT']}")
    try:
        eventually(server.ready, f"Prometheus is ready; see {data.with_suffix('.log')}")
        yield Stack(script, server, data)
    finally:
        script.terminate()
        try:
            script.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            for child in psutil.Process(script.pid).children(recursive=True):
                child.kill()
            script.kill()
            script.wait()


def test_shellcheck_accepts_the_scripts() -> None:
    scripts = ["start.sh", *(str(file.relative_to(MONITORING)) for file in sorted((MONITORING / "lib").glob("*.sh")))]
    command = ["shellcheck", "--external-sources", "--source-path", str(MONITORING), *scripts]
    done = subprocess.run(command, cwd=MONITORING, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout


def test_every_missing_setting_is_named_before_anything_is_written(tmp_path: Path) -> None:
    settings = {name: value for name, value in SETTINGS.items() if name not in {"SMTP_PASSWORD", "SLACK_WEBHOOK_URL"}}
    done = start_sh("--processes", env=environment(tmp_path / "data", settings))

    assert done.returncode == 1
    assert "missing: SLACK_WEBHOOK_URL SMTP_PASSWORD; set them" in done.stderr
    assert not (tmp_path / "data").exists()


def test_an_unknown_option_is_refused() -> None:
    done = start_sh("--podman", env=environment(Path("/nonexistent"), {}))

    assert (done.returncode, done.stdout) == (1, "")
    assert "unknown option: --podman; see --help" in done.stderr


def test_the_help_names_every_option() -> None:
    done = start_sh("--help", env=environment(Path("/nonexistent"), {}))

    assert done.returncode == 0
    options = {
        "--docker",
        "--systemd",
        "--processes",
        "--stop",
        "--compose",
        "--demo",
        "--check",
        "--settings",
        "--help",
    }
    assert set(re.findall(r"^  (--\w+) ", done.stdout, re.MULTILINE)) == options


def test_the_default_password_of_grafana_is_refused(tmp_path: Path) -> None:
    settings = SETTINGS | {"GRAFANA_ADMIN_PASSWORD": "admin"}
    done = start_sh("--processes", env=environment(tmp_path / "data", settings))

    assert done.returncode == 1
    assert "GRAFANA_ADMIN_PASSWORD is Grafana's default" in done.stderr


def test_secrets_are_in_files_that_only_their_user_reads_and_nowhere_else(tmp_path: Path) -> None:
    config = rendered(tmp_path / "data")
    secrets = list((tmp_path / "data/secrets").iterdir())

    assert len(secrets) == 6
    assert {stat.S_IMODE(file.stat().st_mode) for file in secrets} == {0o600}
    assert (tmp_path / "data/secrets/grafana-admin-password").read_text() == SETTINGS["GRAFANA_ADMIN_PASSWORD"]
    text = "".join(file.read_text() for file in config.rglob("*") if file.is_file())
    assert [name for name in SECRETS if SETTINGS[name] in text] == []


def test_settings_are_printed_without_secrets(tmp_path: Path) -> None:
    url = {"POSTGRES_URL": "postgresql://u:hidden@db/x"}
    done = start_sh("--settings", env=environment(tmp_path, SETTINGS | url))

    assert done.returncode == 0
    assert "SMTP_PASSWORD=(set)" in done.stdout
    assert "CLUSTER=test" in done.stdout
    assert [value for value in (*(SETTINGS[name] for name in SECRETS), "hidden") if value in done.stdout] == []


def test_the_file_of_settings_is_read_and_not_executed_and_the_environment_goes_before_it(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text(
        f"# a comment\n\nCLUSTER=from the file\nTIME_ZONE=$(touch {tmp_path / 'executed'})\nENVIRONMENT=x\n"
    )
    env = environment(tmp_path / "data", {"ENVIRONMENT": "from outside", "ENV_FILE": str(file)})
    done = start_sh("--settings", env=env)

    assert "CLUSTER=from the file\nENVIRONMENT=from outside\n" in done.stdout
    assert f"TIME_ZONE=$(touch {tmp_path / 'executed'})\n" in done.stdout
    assert not (tmp_path / "executed").exists()


def test_a_line_that_is_no_setting_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("export CLUSTER=x\n")
    done = start_sh("--settings", env=environment(tmp_path, {"ENV_FILE": str(file)}))

    assert done.returncode == 1
    assert "expected NAME=value, got: export CLUSTER" in done.stderr


def test_the_example_names_all_that_must_be_set() -> None:
    example = {line.partition("=")[0] for line in (MONITORING / ".env.example").read_text().splitlines()}
    optional = {"CLUSTER", "ENVIRONMENT", "HOST_NAME", "GRAFANA_URL", "RUNBOOKS_URL"}
    assert {f"CONTACT_{team.upper()}" for team in TEAMS} <= example

    assert set(SETTINGS) - optional <= example


def test_each_missing_program_is_named_with_its_cost(tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in (*ESSENTIAL, *SHELL):
        (programs / name).symlink_to(shutil.which(name) or name)
    env = environment(tmp_path / "data", SETTINGS | {"REDIS_URL": "redis://127.0.0.1:1", "PATH": str(programs)})
    done = start_sh("--processes", "--check", env=env)

    assert done.returncode == 0, done.stderr
    assert "missing: loki, so no logs are stored; agents keep them in their files" in done.stderr
    assert "missing: grafana, so there are no dashboards" in done.stderr
    assert "missing: prometheus-redis-exporter or redis_exporter, so redis is not monitored" in done.stderr
    assert "POSTGRES_URL is not set, so postgres is not monitored" in done.stderr
    assert sorted(file.stem for file in (tmp_path / "data/targets").iterdir()) == ["alertmanager", "prometheus"]


@pytest.mark.parametrize(
    ("version", "warned"),
    [("2.42.0+ds", True), ("2.53.4", True), ("1.8.2", True), ("2.54.0", False), ("3.5.0-rc.1", False), ("", False)],
)
def test_an_old_prometheus_is_named(tmp_path: Path, version: str, *, warned: bool) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    prometheus = programs / "prometheus"
    prometheus.write_text(f"#!/bin/sh\necho 'prometheus, version {version} (branch: debian/sid)'\n")
    prometheus.chmod(0o755)
    env = environment(tmp_path / "data", SETTINGS | {"PATH": f"{programs}:{os.environ['PATH']}"})
    done = start_sh("--processes", "--check", env=env)

    lines = [line for line in done.stderr.splitlines() if "samples from the future" in line]

    assert done.returncode == 0, done.stderr
    assert len(lines) == warned
    assert all(f"Prometheus {'.'.join(version.split('.')[:2])} " in line for line in lines)
    assert all("install 2.54 or newer" in line for line in lines)


def test_the_stack_restarts_its_servers_stops_and_keeps_its_data(tmp_path: Path) -> None:
    agents = tmp_path / "agents.yml"
    agents.write_text("[]")
    with exporters.redis(tmp_path) as redis:
        settings = {"REDIS_URL": redis.url, "AGENTS_FILE": str(agents)}
        with stack(tmp_path / "data", settings) as first:
            _tells_of_redis(first)
            _second_one_is_refused(first, settings)
            _ended_exporter_comes_again(first)
            children = psutil.Process(first.script.pid).children(recursive=True)
        assert first.script.returncode == 0
        eventually(lambda: not any(_lives(it) for it in children), "every process has ended")
        with stack(tmp_path / "data", settings) as again:
            old = 'count_over_time(up{job="redis"}[1h]) >= 1'
            assert eventually(lambda: again.prometheus.query(old), "what the first one has stored is there")


def _tells_of_redis(running: Stack) -> None:
    up = 'redis_up{job="redis",service="redis",host="central"}'
    eventually(lambda: running.prometheus.value(up) == 1, "Prometheus knows of Redis", 2 * PATIENCE)
    firing = 'ALERTS{alertname="DeadMansSwitch",alertstate="firing"}'
    eventually(lambda: running.prometheus.value(firing) == 1, "the rules are evaluated", 2 * PATIENCE)
    flags = json.loads(exporters.page(f"{running.prometheus.url}/api/v1/status/flags") or "{}")["data"]
    assert (flags["storage.tsdb.retention.time"], flags["storage.tsdb.retention.size"]) == ("15d", "10GiB")


def _second_one_is_refused(running: Stack, settings: Mapping[str, str]) -> None:
    done = start_sh("--processes", env=environment(running.data, SETTINGS | dict(settings)))

    assert done.returncode == 1
    assert f"another start.sh runs on {running.data}" in done.stderr


def _ended_exporter_comes_again(running: Stack) -> None:
    exporter = "prometheus-redis-exporter"
    first = running.processes(exporter)[0].pid
    os.kill(first, signal.SIGKILL)

    eventually(lambda: [it for it in running.processes(exporter) if it.pid != first], "the exporter runs again")
    assert "redis exited and restarts in" in running.data.with_suffix(".log").read_text()


def test_docker_compose_gets_every_variable_of_its_file(tmp_path: Path) -> None:
    fake = tmp_path / "docker"
    fake.write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/asked\nenv >{tmp_path}/env\n')
    fake.chmod(0o755)
    settings = SETTINGS | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "REDIS_URL": "redis://host.docker.internal:6379"}
    done = start_sh("--docker", "--check", env=environment(tmp_path / "data", settings))

    assert done.returncode == 0, done.stderr
    assert "--profile redis config --quiet" in (tmp_path / "asked").read_text()
    given = {line.partition("=")[0] for line in (tmp_path / "env").read_text().splitlines()}
    asked = set(re.findall(r"\$\{([A-Z_]+)", (MONITORING / "compose.yml").read_text()))
    assert asked - given == set()
    config = yaml.safe_load((tmp_path / "data/config/prometheus.yml").read_text())
    assert config["rule_files"] == ["/etc/white-room/rules/*.yml", "/etc/white-room/config/contacts.yml"]
    assert config["alerting"]["alertmanagers"] == [{"static_configs": [{"targets": ["alertmanager:9093"]}]}]
    assert yaml.safe_load((tmp_path / "data/targets/redis.yml").read_text()) == [
        {"targets": ["redis-exporter:9121"], "labels": {"service": "redis", "host": "central"}}
    ]
    assert yaml.safe_load((tmp_path / "data/targets/service-redis.yml").read_text()) == [
        {"targets": ["host.docker.internal:6379"], "labels": {"service": "redis", "host": "central"}}
    ]


def test_targets_of_the_user_stay(tmp_path: Path) -> None:
    settings = SETTINGS | {"REDIS_URL": "redis://127.0.0.1:1"}
    rendered(tmp_path / "data", settings)
    targets = tmp_path / "data/targets"
    replica, own = targets / "redis-replica.yml", targets / "redis.yml"
    replica.write_text('- targets: ["replica:9121"]\n')
    own.write_text('- targets: ["other:9121"]\n')
    done = start_sh("--processes", "--check", env=environment(tmp_path / "data", settings))

    assert replica.read_text() == '- targets: ["replica:9121"]\n'
    assert own.read_text() == '- targets: ["other:9121"]\n'
    assert f"{own} was not written by start.sh and stays as it is" in done.stderr


def test_targets_of_a_service_that_is_no_longer_set_go(tmp_path: Path) -> None:
    rendered(tmp_path / "data", SETTINGS | {"REDIS_URL": "redis://127.0.0.1:1"})
    assert (tmp_path / "data/targets/redis.yml").exists()
    rendered(tmp_path / "data")

    assert not (tmp_path / "data/targets/redis.yml").exists()


def test_the_port_of_a_status_page_is_that_of_its_scheme(tmp_path: Path) -> None:
    rendered(tmp_path / "data", SETTINGS | {"NGINX_STATUS_URL": "https://web.example/status"})

    assert yaml.safe_load((tmp_path / "data/targets/service-nginx.yml").read_text())[0]["targets"] == [
        "web.example:443"
    ]


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("postgresql://u:p%40ss@db.example:5433/x?sslmode=disable", "db.example:5433"),
        ("postgresql://u:p@db/x", "db:5432"),
        ("postgresql://[2001:db8::1]:6000/x", "[2001:db8::1]:6000"),
        ("postgresql:///x?host=/run/postgresql", None),
    ],
)
def test_the_port_of_a_service_is_probed(tmp_path: Path, url: str, address: str | None) -> None:
    rendered(tmp_path / "data", SETTINGS | {"POSTGRES_URL": url})
    file = tmp_path / "data/targets/service-postgres.yml"

    assert (yaml.safe_load(file.read_text())[0]["targets"] if file.exists() else None) == (address and [address])


def test_contacts_are_a_recording_rule(tmp_path: Path) -> None:
    config = rendered(tmp_path / "data", SETTINGS | {"CONTACT_AUDIO": "Ann O'Neil, +1 555"})
    (group,) = yaml.safe_load((config / "contacts.yml").read_text())["groups"]

    assert {rule["labels"]["team"] for rule in group["rules"]} == TEAMS
    assert group["rules"][0]["labels"] == {"team": "audio", "contact": "Ann O'Neil, +1 555"}


def test_links_to_runbooks_open_in_grafana_without_an_address_of_their_own(tmp_path: Path) -> None:
    config = rendered(tmp_path / "data", SETTINGS | {"RUNBOOKS_URL": ""})

    assert (
        "https://grafana.wr.example/d/runbook-{{ .Labels.alertname }}" in (config / "templates/links.tmpl").read_text()
    )


_GRAFANA = """#!{python}
import base64, http.server, os, sys

if sys.argv[1:] != ["server", "--homepath", os.path.dirname(os.path.dirname(os.path.realpath(__file__)))]:
    sys.exit(f"unexpected arguments: {{sys.argv}}")
prefix, path = os.environ["GF_SECURITY_ADMIN_PASSWORD"][:8], os.environ["GF_SECURITY_ADMIN_PASSWORD"][8:-1]
password = open(path).read() if prefix == "$__file{{" else "admin"
accepted = [p if {deaf} is False else "changed before" for p in [password]] + (["admin"] if {default} else [])


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        logins = [base64.b64encode(f"admin:{{one}}".encode()).decode() for one in accepted]
        known = self.headers.get("Authorization", "").removeprefix("Basic ") in logins
        self.send_response(200 if known or self.path == "/api/health" else 401)
        self.end_headers()


address = (os.environ["GF_SERVER_HTTP_ADDR"], int(os.environ["GF_SERVER_HTTP_PORT"]))
http.server.ThreadingHTTPServer(address, Handler).serve_forever()
"""


def _grafana(folder: Path, *, default: bool = False, deaf: bool = False) -> str:
    """Return the PATH with a stand-in for Grafana that reads its password as Grafana's configuration does."""
    home = folder / "grafana"
    (home / "conf").mkdir(parents=True)
    (home / "bin").mkdir()
    (home / "conf/defaults.ini").touch()
    program = home / "bin/grafana"
    program.write_text(_GRAFANA.format(python=sys.executable, default=default, deaf=deaf))
    program.chmod(0o755)
    return f"{home / 'bin'}:{os.environ['PATH']}"


@pytest.mark.parametrize(
    ("faults", "reason"),
    [
        ({"default": True}, "it answers HTTP 200 to the default login admin/admin, expected 401"),
        ({"deaf": True}, "it answers HTTP 401 to GRAFANA_ADMIN_PASSWORD, expected 200"),
    ],
    ids=["default", "other"],
)
def test_a_grafana_with_a_wrong_password_is_stopped(tmp_path: Path, faults: dict[str, bool], reason: str) -> None:
    agents = tmp_path / "agents.yml"
    agents.write_text("[]")
    with stack(tmp_path / "data", {"PATH": _grafana(tmp_path, **faults), "AGENTS_FILE": str(agents)}) as running:
        log = tmp_path / "data.log"
        eventually(lambda: reason in log.read_text(), f"start.sh says: {reason}", 2 * PATIENCE)
        eventually(lambda: not running.processes("grafana"), "Grafana is stopped", 2 * PATIENCE)


def test_a_grafana_with_the_password_of_the_settings_stays(tmp_path: Path) -> None:
    agents = tmp_path / "agents.yml"
    agents.write_text("[]")
    with stack(tmp_path / "data", {"PATH": _grafana(tmp_path), "AGENTS_FILE": str(agents)}) as running:
        up = 'up{job="grafana"}'
        eventually(lambda: running.prometheus.value(up) is not None, "Grafana is a target", 2 * PATIENCE)
        text = (tmp_path / "data.log").read_text()

    assert "is stopped" not in text
    assert re.search(r"^start.sh: grafana: http://127.0.0.1:\d+$", text, re.MULTILINE)


def test_a_grafana_without_its_directory_is_named_and_not_started(tmp_path: Path) -> None:
    program = tmp_path / "bin/grafana"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    settings = SETTINGS | {"PATH": f"{program.parent}:{os.environ['PATH']}"}
    done = start_sh("--processes", "--check", env=environment(tmp_path / "data", settings))

    assert "GRAFANA_HOME is not set to a directory with conf/defaults.ini, so there are no dashboards" in done.stderr
    assert not (tmp_path / "data/targets/grafana.yml").exists()
