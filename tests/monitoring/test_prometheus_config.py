"""Prometheus's configuration: its targets, their intervals and their labels."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bcrypt
import pytest
import yaml

from tests.conftest import StartAgent
from tests.support.certificates import Authority
from tests.support.exporters import process
from tests.support.monitoring import MONITORING, SETTINGS, rendered
from tests.support.prometheus import Prometheus, free_port
from tests.support.waiting import PATIENCE, eventually

AGENTS = """
- targets: ["studio-a.wr.example:9787"]
  labels: {host: studio-a, role: studio}
- targets: ["10.1.2.3:9787", "[2001:db8::1]:9787", "127.0.0.1:9787"]
"""


@pytest.fixture(scope="module")
def targets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[dict[str, Any]]]:
    """Yield the active targets of a Prometheus with the shipped configuration."""
    folder = tmp_path_factory.mktemp("prometheus")
    agents = folder / "agents.yml"
    agents.write_text(AGENTS)
    config = rendered(folder / "data", {"AGENTS_FILE": str(agents), "REDIS_URL": "redis://127.0.0.1:9"})
    address = f"127.0.0.1:{free_port()}"
    options = [f"--config.file={config / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'tsdb'}"]
    with process(["prometheus", *options, f"--web.listen-address={address}"], folder):
        yield eventually(lambda: _found(address), "Prometheus has every agent")


def _found(address: str) -> list[dict[str, Any]] | None:
    try:
        with urllib.request.urlopen(f"http://{address}/api/v1/targets?state=active", timeout=10) as answer:
            active: list[dict[str, Any]] = json.load(answer)["data"]["activeTargets"]
    except OSError:
        return None
    return active if len([it for it in active if it["scrapePool"] == "agent"]) == 4 else None


def labels(targets: list[dict[str, Any]], job: str) -> dict[str, tuple[str, str]]:
    """Return host and role by instance."""
    found = [target["labels"] for target in targets if target["labels"]["job"] == job]
    return {it["instance"]: (it["host"], it["role"]) for it in found}


def test_host_is_a_stable_name_and_the_default_role_is_server(
    targets: list[dict[str, Any]],
) -> None:
    expected = {
        "studio-a.wr.example:9787": ("studio-a", "studio"),
        "10.1.2.3:9787": ("10.1.2.3", "server"),
        "[2001:db8::1]:9787": ("[2001:db8::1]", "server"),
        "127.0.0.1:9787": ("central", "server"),
    }

    assert labels(targets, "agent") == expected
    assert labels(targets, "agent-audio") == expected


def test_a_ping_goes_to_the_machine_and_carries_the_same_host(targets: list[dict[str, Any]]) -> None:
    pings = {it["discoveredLabels"]["__address__"]: it for it in targets if it["scrapePool"] == "ping"}
    studio = pings["studio-a.wr.example:9787"]

    assert (studio["labels"]["host"], studio["labels"]["role"]) == ("studio-a", "studio")
    assert "target=studio-a.wr.example" in studio["scrapeUrl"]
    assert "module=icmp" in studio["scrapeUrl"]


def test_audio_is_scraped_every_ten_seconds_and_the_rest_every_fifteen(targets: list[dict[str, Any]]) -> None:
    intervals = {(it["scrapePool"], it["scrapeInterval"]) for it in targets}

    assert {("agent", "15s"), ("agent-audio", "10s")} <= intervals
    assert all(
        ("exclude%5B%5D=audio" in it["scrapeUrl"]) == (it["scrapePool"] == "agent")
        and ("collect%5B%5D=audio" in it["scrapeUrl"]) == (it["scrapePool"] == "agent-audio")
        for it in targets
    )


def test_an_exporter_speaks_for_its_service_on_this_machine(targets: list[dict[str, Any]]) -> None:
    redis = [it["labels"] for it in targets if it["scrapePool"] == "redis"]

    assert [(it["service"], it["host"]) for it in redis] == [("redis", "central")]


def test_servers_that_were_not_started_are_no_targets(targets: list[dict[str, Any]]) -> None:
    assert {it["scrapePool"] for it in targets}.isdisjoint({"postgres", "nginx"})


def test_alerts_name_the_cluster_and_the_environment(config: Path) -> None:
    text = yaml.safe_load((config / "prometheus.yml").read_text())

    assert text["global"]["external_labels"] == {
        "cluster": SETTINGS["CLUSTER"],
        "environment": SETTINGS["ENVIRONMENT"],
    }


def test_the_secure_jobs_are_the_plain_ones_with_a_key_and_a_password() -> None:
    plain, secure = (
        _jobs(MONITORING / "prometheus" / name) for name in ("prometheus.yml", "examples/secure-agents.yml")
    )
    added = {"scheme", "tls_config", "basic_auth"}

    assert set(secure) == {"agent", "agent-audio"}
    for name, job in secure.items():
        assert added <= set(job)
        assert {key: value for key, value in job.items() if key not in added} == plain[name]


def _jobs(file: Path) -> dict[str, dict[str, Any]]:
    return {job["job_name"]: job for job in yaml.safe_load(file.read_text())["scrape_configs"]}


def test_the_secure_jobs_scrape_an_agent_that_wants_a_key_and_a_password(
    tmp_path: Path, start_agent: StartAgent
) -> None:
    web, agents = tmp_path / "web.yml", tmp_path / "agents.yml"
    web.write_text(_web_file(tmp_path))
    watched = start_agent(f'web.config_file = "{web}"\nhost.enabled = false')
    agents.write_text(f"- targets: ['{watched.url.removeprefix('https://')}']\n")
    config = tmp_path / "prometheus.yml"
    config.write_text("global: {scrape_interval: 2s, scrape_timeout: 2s}\n" + _example(tmp_path, agents))
    server = Prometheus(f"http://127.0.0.1:{free_port()}")
    options = [f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'tsdb'}"]

    with process(["prometheus", *options, f"--web.listen-address={server.url.removeprefix('http://')}"], tmp_path):
        eventually(server.ready, "Prometheus is ready")
        up = 'sum(up{job=~"agent|agent-audio",host="central",role="server"})'
        eventually(lambda: server.value(up) == 2, "both jobs have their agent", 2 * PATIENCE)


def _web_file(folder: Path) -> str:
    """Return a web file that requires a certificate and a password, which it writes to `folder`."""
    authority = Authority(folder)
    server, _ = authority.issue("server"), authority.issue("client")
    (folder / "password").write_text("secret")
    return f"""
tls_server_config:
  cert_file: {server.cert}
  key_file: {server.key}
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: {authority.cert}
basic_auth_users: {{prometheus: {bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()}}}
"""


def _example(keys: Path, agents: Path) -> str:
    """Return the example with its placeholders filled in and shorter intervals."""
    text = (MONITORING / "prometheus/examples/secure-agents.yml").read_text()
    for name, value in {
        "/etc/white-room/agents": keys,
        "${AGENTS_FILE}": agents,
        "${HOST_NAME}": "central",
        "scrape_interval: 10s": "scrape_interval: 2s",
        "scrape_timeout: 5s": "scrape_timeout: 2s",
    }.items():
        text = text.replace(name, str(value))
    return text
