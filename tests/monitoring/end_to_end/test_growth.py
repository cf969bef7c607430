"""The examples for more machines than one Prometheus watches: real servers take them, and do what they say."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.exporters import process
from tests.support.monitoring import MONITORING
from tests.support.prometheus import Prometheus, free_port
from tests.support.site import Site
from tests.support.stack import hastened
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(600)

EXAMPLES = MONITORING / "prometheus/examples"
MACHINES = [f"m{number}" for number in range(40)]
SHARDED = "sharded-agents.yml"
SHARDS = 4


def filled_in(name: str, values: Mapping[str, object]) -> str:
    """An example with what its reader has to put in."""
    text = (EXAMPLES / name).read_text()
    for placeholder, value in values.items():
        assert placeholder in text, f"{name} has no {placeholder}"
        text = text.replace(placeholder, str(value))
    return text


@contextlib.contextmanager
def running(folder: Path, config: str, *options: str) -> Iterator[Prometheus]:
    """A Prometheus with this configuration, gone afterwards."""
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


def test_a_prometheus_above_others_knows_their_recordings_and_counts_all_users(site: Site, tmp_path: Path) -> None:
    site.apps[0].write("opened", range(10))
    (tmp_path / "rules").mkdir()
    rules = (MONITORING / "prometheus/rules/business.yml").read_text()
    (tmp_path / "rules/business.yml").write_text(hastened(rules, 10))
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


def test_what_is_scraped_arrives_in_a_store_that_takes_remote_writes(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("secret")
    with running(tmp_path / "store", "global: {}\n", "--web.enable-remote-write-receiver") as store:
        values = {
            "https://mimir.example.org/api/v1/push": f"{store.url}/api/v1/write",
            "/etc/white-room/mimir-password": password,
        }
        own = "global: {scrape_interval: 1s, external_labels: {cluster: test}}\n"
        own += "scrape_configs: [{job_name: prometheus, static_configs: [{targets: ['127.0.0.1:1']}]}]\n"
        with running(tmp_path / "writer", own + filled_in("remote-write.yml", values)):
            written = 'up{job="prometheus",cluster="test"}'
            eventually(lambda: store.query(written), "the store has what the other has scraped")
