"""The configuration files for fleets, in real servers."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.agent import agent as started
from tests.support.exporters import page, process
from tests.support.monitoring import MONITORING, RULES, rules
from tests.support.prometheus import Prometheus, free_port
from tests.support.promql import metric_names
from tests.support.site import Site
from tests.support.stack import hastened
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(600)

EXAMPLES = MONITORING / "prometheus/examples"
MACHINES = [f"m{number}" for number in range(40)]
SHARDED = "sharded-agents.yml"
SHARDS = 4


def _fleet_rules() -> list[dict[str, str]]:
    (group,) = yaml.safe_load((EXAMPLES / "fleet-rules.yml").read_text())["groups"]
    found: list[dict[str, str]] = group["rules"]
    return found


FLEET = {rule["record"] for rule in _fleet_rules()}


def filled_in(name: str, values: Mapping[str, object]) -> str:
    """Return an example with its placeholders filled in."""
    text = (EXAMPLES / name).read_text()
    for placeholder, value in values.items():
        assert placeholder in text, f"{name} has no {placeholder}"
        text = text.replace(placeholder, str(value))
    return text


@contextlib.contextmanager
def running(folder: Path, config: str, *options: str) -> Iterator[Prometheus]:
    """Run a Prometheus with this configuration."""
    folder.mkdir()
    file = folder / "prometheus.yml"
    file.write_text(config)
    server = Prometheus(f"http://127.0.0.1:{free_port()}")
    listen = f"--web.listen-address={server.url.removeprefix('http://')}"
    command = ["prometheus", f"--config.file={file}", f"--storage.tsdb.path={folder / 'tsdb'}", listen, *options]
    with process(command, folder):
        eventually(server.ready, f"Prometheus is ready; see {folder}")
        yield server


def test_sharded_jobs_are_the_plain_ones_but_for_the_shard() -> None:
    plain, sharded = (jobs(MONITORING / "prometheus" / name) for name in ("prometheus.yml", f"examples/{SHARDED}"))
    assert set(sharded) == {"agent", "agent-audio", "ping"}
    for name, job in sharded.items():
        *relabelled, hashed, kept = job["relabel_configs"]

        assert (hashed["source_labels"], hashed["action"], hashed["modulus"]) == (["host"], "hashmod", SHARDS)
        assert (kept["source_labels"], kept["action"], kept["regex"]) == ([hashed["target_label"]], "keep", "0")
        assert job | {"relabel_configs": relabelled} == plain[name]


def jobs(file: Path) -> dict[str, dict[str, Any]]:
    return {job["job_name"]: job for job in yaml.safe_load(file.read_text())["scrape_configs"]}


def test_each_machine_has_one_server_for_all_of_its_jobs(tmp_path: Path) -> None:
    agents = tmp_path / "agents.yml"
    agents.write_text(yaml.safe_dump([{"targets": [f"{name}:9787" for name in MACHINES]}]))
    asked = {
        (job, shard): promtool_discovers(_shard(tmp_path, agents, shard), job)
        for shard in range(SHARDS)
        for job in ("agent", "ping")
    }
    found = {key: hosts(process) for key, process in asked.items()}

    assert all(found[("agent", shard)] == found[("ping", shard)] for shard in range(SHARDS))
    assert sorted(name for shard in range(SHARDS) for name in found[("agent", shard)]) == sorted(MACHINES)
    assert all(found.values())


def _shard(folder: Path, agents: Path, shard: int) -> Path:
    values = {"${AGENTS_FILE}": agents, "${HOST_NAME}": "central", "${BLACKBOX_EXPORTER_ADDRESS}": "127.0.0.1:9"}
    file = folder / f"{shard}.yml"
    file.write_text(filled_in(SHARDED, values | {'regex: "0"': f'regex: "{shard}"'}))
    return file


def promtool_discovers(config: Path, job: str) -> subprocess.Popen[str]:
    command = ["promtool", "check", "service-discovery", "--timeout=2s", str(config), job]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def hosts(promtool: subprocess.Popen[str]) -> list[str]:
    said, _ = promtool.communicate(timeout=60)
    labels = [target["labels"] for target in json.loads(said)]
    return sorted(it["host"] for it in labels if it)


def test_a_prometheus_above_others_has_their_recordings_and_counts_all_users(site: Site, tmp_path: Path) -> None:
    site.apps[0].write("opened", range(10))
    (tmp_path / "rules").mkdir()
    business = (MONITORING / "prometheus/rules/business.yml").read_text()
    (tmp_path / "rules/business.yml").write_text(hastened(business, 10))
    (tmp_path / "rules/fleet-rules.yml").write_text(hastened((EXAMPLES / "fleet-rules.yml").read_text(), 10))
    below = site.stack.prometheus.url.removeprefix("http://")
    targets = "prometheus-0.example.org:9090, prometheus-1.example.org:9090"
    config = filled_in("federation.yml", {"${CLUSTER}": "all", "${RULES}": tmp_path / "rules", targets: below})

    with running(tmp_path / "above", hastened(config, 30)) as above:
        users = 'window:active_users:estimate{window="day"}'

        def counts() -> bool:
            below = site.stack.prometheus.value(users)
            return below is not None and below >= 9 and above.value(users) == pytest.approx(below, rel=0.1)

        eventually(counts, "both count the same users")
        busy = 'host:cpu_busy:ratio_rate1m{host="studio-1",cluster="test"}'
        eventually(lambda: above.query(busy), "it has what machines are known by")
        assert above.query('{__name__=~"node_.+"}') == []
        for recorded in FLEET - {"cluster:studios_with_dropouts:count", "cluster_service:http_requests:rate5m"}:
            found = eventually(partial(above.query, recorded), f"{recorded} is recorded")
            assert {it["metric"]["cluster"] for it in found} == {"test"}


def test_fleet_rules_are_accepted_and_use_recordings_only() -> None:
    file = EXAMPLES / "fleet-rules.yml"
    done = subprocess.run(
        ["promtool", "check", "rules", "--lint=all", "--lint-fatal", file], capture_output=True, text=True, check=False
    )
    used = set[str]().union(*(metric_names(rule["expr"]) for rule in _fleet_rules()))

    assert done.returncode == 0, done.stdout + done.stderr
    assert used <= {rule.text["record"] for rule in rules() if "record" in rule.text}


def test_thanos_runs_next_to_the_shipped_prometheus() -> None:
    file = EXAMPLES / "thanos-sidecar.yml"
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    added = yaml.safe_load(file.read_text())["services"]
    shipped = yaml.safe_load((MONITORING / "compose.yml").read_text())["services"]["prometheus"]

    assert done.returncode == 0, done.stdout + done.stderr
    assert set(shipped["command"]) - set(added["prometheus"]["command"]) == set()
    mounts = [volume.split(":")[0] for volume in added["thanos-sidecar"]["volumes"]]
    assert (MONITORING / mounts[1]).is_file()


def test_the_data_source_of_a_store_has_the_uid_of_the_dashboards() -> None:
    shipped = yaml.safe_load((MONITORING / "grafana/provisioning/datasources/white-room.yml").read_text())
    (store,) = yaml.safe_load((EXAMPLES / "grafana-datasources.yml").read_text())["datasources"]
    (replaced,) = [it for it in shipped["datasources"] if it["uid"] == store["uid"]]

    assert (store["type"], store["name"], store["isDefault"]) == (replaced["type"], replaced["name"], True)
    assert store["jsonData"]["timeInterval"] == replaced["jsonData"]["timeInterval"]


def test_scraped_samples_arrive_in_victoriametrics(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("secret")
    address = f"127.0.0.1:{free_port()}"
    options = [f"-httpListenAddr={address}", f"-storageDataPath={tmp_path / 'data'}", "-retentionPeriod=1"]
    store = Prometheus(f"http://{address}")
    values = {
        "https://victoriametrics.example.org/api/v1/write": f"{store.url}/api/v1/write",
        "/etc/white-room/victoriametrics-password": tmp_path / "password",
    }
    with (
        process(["victoria-metrics", *options, "-search.latencyOffset=1s"], tmp_path),
        running(tmp_path / "writer", OWN + filled_in("remote-write-victoriametrics.yml", values)),
    ):
        written = 'up{job="prometheus",cluster="test"}'
        eventually(lambda: _answers(store) and store.query(written), "VictoriaMetrics has the samples", 60)


def test_an_agent_writes_to_victoriametrics_and_the_rules_find_it_lost(tmp_path: Path) -> None:
    """Run agent, vmauth, VictoriaMetrics and vmalert, ten times faster, with the shipped rules."""
    store, door = (Prometheus(f"http://127.0.0.1:{free_port()}") for _ in range(2))
    with contextlib.ExitStack() as running:
        for command in (_victoriametrics(tmp_path, store), _vmauth(tmp_path, store, door), _vmalert(tmp_path, store)):
            running.enter_context(process(command, tmp_path))
        eventually(lambda: _answers(store), "VictoriaMetrics is ready")
        agent = running.enter_context(started(tmp_path, _pushing(tmp_path, door)))
        up = 'up{job="wr-agent",host="studio-7",cluster="white-room",environment="production",role="server"}'
        eventually(lambda: store.query(up), "VictoriaMetrics has the samples", 60)
        eventually(lambda: store.query('host:cpu_busy:ratio_rate1m{host="studio-7"}'), "the recordings are there", 60)
        eventually(lambda: store.query('host:push:arriving{host="studio-7"} == 1'), "the samples are fresh", 60)
        agent.signal(signal.SIGKILL)
        down = 'ALERTS{alertname="ServerDown",alertstate="firing",host="studio-7"}'
        eventually(lambda: store.query(down), "the lost machine alerts", 90)


def _victoriametrics(folder: Path, store: Prometheus) -> list[str | Path]:
    listen = f"-httpListenAddr={store.url.removeprefix('http://')}"
    options = [f"-storageDataPath={folder / 'store'}", "-retentionPeriod=1", "-search.latencyOffset=1s"]
    return ["victoria-metrics", listen, *options]


def _vmauth(folder: Path, store: Prometheus, door: Prometheus) -> list[str | Path]:
    values = {"${STUDIO7_PASSWORD}": "secret", "http://victoriametrics.example.org:8428": store.url}
    config = folder / "vmauth.yml"
    config.write_text(filled_in("victoriametrics-vmauth.yml", values))
    return ["vmauth", f"-auth.config={config}", f"-httpListenAddr={door.url.removeprefix('http://')}"]


def _vmalert(folder: Path, store: Prometheus) -> list[str | Path]:
    """Return the command of vmalert. Debian's version does not know `keep_firing_for`."""
    (folder / "rules").mkdir()
    for file in RULES:
        text = re.sub(r"^ *keep_firing_for: .*\n", "", hastened(file.read_text(), 10), flags=re.MULTILINE)
        (folder / "rules" / file.name).write_text(text)
    urls = [f"-{name}.url={store.url}" for name in ("datasource", "remoteWrite", "remoteRead")]
    options = [
        "-evaluationInterval=1500ms",
        "-datasource.queryStep=30s",
        "-notifier.url=http://127.0.0.1:9",
        "-remoteWrite.flushInterval=200ms",
    ]
    listen = f"-httpListenAddr=127.0.0.1:{free_port()}"
    return ["vmalert", f"-rule={folder / 'rules'}/*.yml", *urls, *options, listen]


def _pushing(folder: Path, door: Prometheus) -> str:
    (folder / "password").write_text("secret")
    (folder / "password").chmod(0o600)
    values = {
        "https://victoriametrics.example.org": door.url,
        "/etc/wr-agent/store-password": folder / "password",
        'role = "studio"': 'role = "server"',
    }
    return 'machine = "studio-7"\n' + filled_in("agents-to-a-store.toml", values) + 'interval = "1s"\n'


def _answers(store: Prometheus) -> bool:
    return page(f"{store.url}/health") is not None


OWN = (
    "global: {scrape_interval: 1s, external_labels: {cluster: test}}\n"
    "scrape_configs: [{job_name: prometheus, static_configs: [{targets: ['127.0.0.1:1']}]}]\n"
)


def test_scraped_samples_arrive_in_a_store_with_remote_write(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("secret")
    with running(tmp_path / "store", "global: {}\n", "--web.enable-remote-write-receiver") as store:
        values = {
            "https://mimir.example.org/api/v1/push": f"{store.url}/api/v1/write",
            "/etc/white-room/mimir-password": password,
        }
        with running(tmp_path / "writer", OWN + filled_in("remote-write.yml", values)):
            written = 'up{job="prometheus",cluster="test"}'
            eventually(lambda: store.query(written), "the store has what the other has scraped")
