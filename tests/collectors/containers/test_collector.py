from __future__ import annotations

import asyncio
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from agent.exposition.formats import Format
from agent.exposition.render import Renderer
from collectors.containers.collector import ContainersCollector, exported_labels
from collectors.containers.config import ContainersConfig
from tests.collectors.containers.conftest import StartEngine
from tests.collectors.containers.support import (
    DATABASE,
    WEB,
    samples_of,
    share_network,
    write,
    write_group,
    write_process,
)
from tests.support.waiting import PATIENCE, soon

WEB_PATH = f"/system.slice/docker-{WEB}.scope"
DATABASE_PATH = f"/machine.slice/libpod-{DATABASE}.scope"
NGINX = {"Id": WEB, "Names": ["/web"], "Image": "nginx:1.27", "Labels": {"com.example.team": "studio", "secret": "x"}}


async def _list(_: web.Request) -> web.Response:
    return web.json_response([NGINX])


async def _looked(root: Path, **config: Any) -> ContainersCollector:  # noqa: ANN401 - the keys of the configuration
    """Return a collector that has looked once."""
    collector = ContainersCollector(ContainersConfig(**({"sockets": []} | config)), root)
    await collector.look()
    return collector


async def test_a_container_carries_its_name_image_and_the_labels_asked_for(
    machine: Path, start_engine: StartEngine
) -> None:
    write_group(machine, WEB_PATH)
    write_group(machine, DATABASE_PATH)
    socket = await start_engine(_list)

    collector = await _looked(machine, measure="containers", sockets=[socket], labels=["com.example.team"])
    family = next(it for it in collector.collect() if it.name == "container_memory_working_set_bytes")

    assert family.labels == ("id", "name", "image", "container_label_com_example_team")
    assert family.samples == {
        ("/", "", "", ""): 600,
        (WEB_PATH, "web", "nginx:1.27", "studio"): 800_000,
        (DATABASE_PATH, DATABASE, "", ""): 800_000,
    }


async def test_a_text_of_any_length_is_cut(machine: Path, start_engine: StartEngine) -> None:
    async def verbose(_: web.Request) -> web.Response:
        return web.json_response([{"Id": WEB, "Names": ["/web"], "Image": "x" * 10_000, "Labels": {"a": "y" * 10_000}}])

    write_group(machine, WEB_PATH)
    collector = await _looked(machine, sockets=[await start_engine(verbose)], labels=["a"])

    (labels,) = [it for it in samples_of(collector.collect(), "container_last_seen") if it[0] == WEB_PATH]

    assert labels == (WEB_PATH, "web", "x" * 512, "y" * 512)


async def test_a_container_has_its_traffic_processes_and_age(machine: Path) -> None:
    write_group(machine, WEB_PATH, {"cgroup.procs": "40\n41\n"})
    write_process(machine, "40", {"lo": 1, "eth0": 77}, ticks_after_boot=0)

    collector = await _looked(machine)
    families = collector.collect()

    web_labels = (WEB_PATH, WEB, "")
    received = samples_of(families, "container_network_receive_bytes_total")
    assert received == {("/", "", "", "eth0"): 5, (*web_labels, "eth0"): 77}
    assert samples_of(families, "container_processes") == {web_labels: 2}
    assert samples_of(families, "container_start_time_seconds")[web_labels] == 1_700_000_000
    assert abs(samples_of(families, "container_last_seen")[web_labels] - time.time()) < PATIENCE


async def test_of_the_containers_of_a_pod_the_oldest_has_the_traffic(machine: Path) -> None:
    for path, pid, ticks in ((DATABASE_PATH, "40", 900), (WEB_PATH, "41", 100)):
        write_group(machine, path, {"cgroup.procs": f"{pid}\n"})
        write_process(machine, pid, {"eth0": 77}, ticks_after_boot=ticks)
    share_network(machine, "40", "41")

    received = samples_of((await _looked(machine)).collect(), "container_network_receive_bytes_total")

    assert set(received) == {("/", "", "", "eth0"), (WEB_PATH, WEB, "", "eth0")}


async def test_the_machine_has_its_size_and_its_disks(machine: Path) -> None:
    collector = await _looked(machine, measure="containers")
    families = collector.collect()

    identity = ("0123456789abcdef0123456789abcdef", "", "")
    assert samples_of(families, "machine_memory_bytes") == {identity: 8000 * 1024}
    assert samples_of(families, "machine_cpu_cores") == {identity: 2}
    assert samples_of(families, "machine_cpu_physical_cores") == {identity: 1}
    assert samples_of(families, "container_spec_memory_limit_bytes") == {("/", "", ""): 8000 * 1024}
    assert set(samples_of(families, "container_fs_limit_bytes")) == {("/", "", "", "/dev/sda1")}


async def test_a_container_that_ends_between_two_looks_is_not_seen_any_more(machine: Path) -> None:
    write_group(machine, WEB_PATH)

    collector = await _looked(machine)
    (machine / f"sys/fs/cgroup{WEB_PATH}").rename(machine / "gone")
    seen = samples_of(collector.collect(), "container_last_seen")

    assert not [labels for labels in seen if labels[0] == WEB_PATH]


async def test_auto_exports_nothing_on_a_machine_without_containers(machine: Path) -> None:
    write_group(machine, "/system.slice/cron.service")

    assert (await _looked(machine)).collect() == []


async def test_an_engine_that_cannot_be_asked_is_a_finding_while_containers_run(
    machine: Path, start_engine: StartEngine
) -> None:
    async def broken(_: web.Request) -> web.Response:
        return web.Response(status=500)

    write_group(machine, WEB_PATH)
    collector = await _looked(machine, sockets=[await start_engine(broken)], limit=2)
    findings = [finding.code for check in collector.checks() for finding in check.run()]

    assert findings == ["containers-unnamed", "containers-too-many"]


async def test_a_machine_without_control_groups_is_no_error(tmp_path: Path) -> None:
    collector = await _looked(tmp_path)

    assert collector.collect() == []
    assert [finding for check in collector.checks() for finding in check.run()] == []


async def test_a_tree_without_the_memory_controller_is_a_finding(machine: Path) -> None:
    write_group(machine, WEB_PATH)
    write(machine, {"sys/fs/cgroup/cgroup.controllers": "cpuset cpu io pids\n"})
    collector = await _looked(machine)

    (finding,) = [finding for check in collector.checks() for finding in check.run()]

    assert finding.code == "containers-without-controllers"
    assert "cgroup_enable=memory" in finding.remedy[0]


async def test_a_container_without_an_enabled_controller_is_a_finding(machine: Path) -> None:
    write_group(machine, WEB_PATH, {"cgroup.controllers": "cpu memory pids\n"})
    write_group(machine, DATABASE_PATH, {"cgroup.controllers": "cpu io memory pids\n"})
    write(machine, {"sys/fs/cgroup/cgroup.controllers": "cpuset cpu io memory pids\n"})
    collector = await _looked(machine)

    (finding,) = [finding for check in collector.checks() for finding in check.run()]

    assert finding.code == "containers-without-delegation"
    assert WEB_PATH in finding.detail


async def test_a_group_of_another_form_costs_no_other(machine: Path) -> None:
    write_group(machine, WEB_PATH, {"cpu.max": "new\n"})
    write_group(machine, DATABASE_PATH)

    families = (await _looked(machine, measure="containers")).collect()

    assert samples_of(families, "container_scrape_error") == {(): 1}
    assert {labels[0] for labels in samples_of(families, "container_last_seen")} == {"/", DATABASE_PATH}


async def test_containers_that_no_engine_runs_need_no_names(machine: Path, start_engine: StartEngine) -> None:
    write_group(machine, "/lxc.payload.studio")
    asked = []

    async def handler(request: web.Request) -> web.Response:
        asked.append(request)
        return web.Response(status=500)

    collector = await _looked(machine, sockets=[await start_engine(handler)])

    assert ("/lxc.payload.studio", "studio", "") in samples_of(collector.collect(), "container_last_seen")
    assert asked == []
    assert [finding for check in collector.checks() for finding in check.run()] == []


async def test_states_of_processes_are_counted_on_request(machine: Path) -> None:
    write_group(machine, WEB_PATH, {"cgroup.procs": "40\n"})
    write_process(machine, "40", {})

    families = (await _looked(machine, task_states=True)).collect()

    assert samples_of(families, "container_tasks_state")[WEB_PATH, WEB, "", "sleeping"] == 1
    assert samples_of(families, "container_scrape_error") == {(): 0}
    assert "container_tasks_state" not in {family.name for family in (await _looked(machine)).collect()}


async def test_run_looks_again_and_again(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collectors.containers.collector.LOOK_SECONDS", 0.05)
    collector = ContainersCollector(ContainersConfig(sockets=[]), machine)
    running = asyncio.create_task(collector.run())
    await asyncio.sleep(0.1)
    write_group(machine, WEB_PATH)

    await soon(collector.collect, "the collector exports something")
    running.cancel()


async def test_promtool_complains_of_nothing_but_names_that_are_cadvisors(machine: Path) -> None:
    write_group(machine, WEB_PATH, {"cgroup.procs": "40\n"})
    write_process(machine, "40", {"eth0": 77})
    collector = await _looked(machine)
    page = Renderer().render([("containers", collector.collect())], Format.TEXT)

    assert page.errors == {}
    assert _linted(page.body) == {"container_fs_inodes_total", "container_memory_failcnt"}


def _linted(page: bytes) -> set[str]:
    """Return the families that promtool has advice about."""
    done = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, check=False)
    return {line.split()[0] for line in done.stderr.decode().splitlines()}


def test_labels_get_names_that_prometheus_takes() -> None:
    assert exported_labels(["com.example/team", "team", "com_example_team"]) == {
        "container_label_com_example_team": "com.example/team",
        "container_label_team": "team",
    }
