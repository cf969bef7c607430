from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from collectors.containers.config import ContainersConfig
from collectors.containers.discovery import Discovery
from collectors.containers.layout import find
from tests.collectors.containers.support import DATABASE, WEB, write, write_group, write_process

WEB_PATH = f"/system.slice/docker-{WEB}.scope"
DATABASE_PATH = f"/machine.slice/libpod-{DATABASE}.scope"


def _discovery(root: Path, **config: Any) -> Discovery:  # noqa: ANN401 - the keys of the configuration
    layout = find(root)
    assert layout is not None
    return Discovery(ContainersConfig(**config), layout, root)


def _paths(discovery: Discovery) -> list[str]:
    return [cgroup.path for cgroup in discovery.look().cgroups]


@pytest.fixture
def busy(machine: Path) -> Path:
    for path in (
        WEB_PATH,
        f"{WEB_PATH}/init.scope",
        f"{DATABASE_PATH}/container",
        f"/machine.slice/libpod-conmon-{DATABASE}.scope",
        "/system.slice/cron.service",
        "/system.slice/home.mount",
        "/user.slice/user-1000.slice/session-3.scope",
    ):
        write_group(machine, path)
    return machine


def test_all_is_the_machine_its_containers_then_slices_and_services(busy: Path) -> None:
    assert _paths(_discovery(busy, measure="all")) == [
        "/",
        DATABASE_PATH,
        WEB_PATH,
        "/machine.slice",
        "/system.slice",
        "/system.slice/cron.service",
        "/user.slice",
        "/user.slice/user-1000.slice",
    ]


def test_containers_is_the_machine_and_its_containers(busy: Path) -> None:
    assert _paths(_discovery(busy, measure="containers")) == ["/", DATABASE_PATH, WEB_PATH]


def test_auto_is_all_while_there_is_a_container(busy: Path) -> None:
    discovery = _discovery(busy)

    assert len(_paths(discovery)) == 8
    shutil.rmtree(f"{busy}/sys/fs/cgroup{WEB_PATH}")
    shutil.rmtree(f"{busy}/sys/fs/cgroup{DATABASE_PATH}")
    assert _paths(discovery) == []


def test_groups_are_excluded_by_path_and_containers_never_are(busy: Path) -> None:
    assert _paths(_discovery(busy, measure="all", exclude="^/(system|machine|user)")) == ["/", DATABASE_PATH, WEB_PATH]


def test_over_the_limit_containers_go_first_and_the_rest_is_counted(busy: Path) -> None:
    count = _discovery(busy, measure="all", limit=4).look()

    assert [cgroup.path for cgroup in count.cgroups] == ["/", DATABASE_PATH, WEB_PATH, "/machine.slice"]
    assert count.left_out == 4


def test_a_container_is_known_by_its_identifier(busy: Path) -> None:
    by_path = {cgroup.path: cgroup.container for cgroup in _discovery(busy).look().cgroups}

    assert by_path[WEB_PATH] == WEB
    assert by_path["/system.slice"] == ""


def test_a_container_started_when_its_first_process_did_also_below_its_own_group(busy: Path) -> None:
    ticks = os.sysconf("SC_CLK_TCK")
    write_group(busy, f"{DATABASE_PATH}/container", {"cgroup.procs": "40\n41\n"})
    write_process(busy, "40", {}, ticks_after_boot=10 * ticks)

    started = {cgroup.path: cgroup.started for cgroup in _discovery(busy).look().cgroups}

    assert started[DATABASE_PATH] == 1_700_000_010
    assert started["/"] == 1_700_000_000


def test_a_group_without_processes_started_when_it_was_made(busy: Path) -> None:
    made = 1_700_000_500
    os.utime(f"{busy}/sys/fs/cgroup/system.slice", (made, made))
    discovery = _discovery(busy)
    discovery.look()
    os.utime(f"{busy}/sys/fs/cgroup/system.slice", (made + 9, made + 9))

    started = {cgroup.path: cgroup.started for cgroup in discovery.look().cgroups}

    assert started["/system.slice"] == made


def test_a_container_recreated_at_its_path_has_a_new_start(busy: Path) -> None:
    write_group(busy, WEB_PATH, {"cgroup.procs": "50\n"})
    write_process(busy, "50", {}, ticks_after_boot=0)
    discovery = _discovery(busy)
    before = {cgroup.path: cgroup for cgroup in discovery.look().cgroups}[WEB_PATH]
    directory = Path(f"{busy}/sys/fs/cgroup{WEB_PATH}")
    directory.rename(directory.with_suffix(".old"))
    write_group(busy, WEB_PATH, {"cgroup.procs": "51\n"})
    write_process(busy, "51", {}, ticks_after_boot=1000)

    after = {cgroup.path: cgroup for cgroup in discovery.look().cgroups}[WEB_PATH]

    assert after.started > before.started


def test_groups_of_all_trees_of_version_1_are_found(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "proc/self/mountinfo": (
                "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
                "33 31 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
            ),
            f"sys/fs/cgroup/memory/docker/{WEB}/cgroup.procs": "",
            "sys/fs/cgroup/cpu/only-here/cgroup.procs": "",
        },
    )

    discovery = _discovery(tmp_path)

    assert _paths(discovery) == ["/", f"/docker/{WEB}", "/docker", "/only-here"]
    trees = {cgroup.path: [Path(top).name for top in cgroup.tops] for cgroup in discovery.look().cgroups}
    assert trees == {
        "/": ["cpu", "memory"],
        f"/docker/{WEB}": ["memory"],
        "/docker": ["memory"],
        "/only-here": ["cpu"],
    }


def test_a_group_that_is_made_in_another_tree_later_is_in_both(tmp_path: Path) -> None:
    mounts = "32 31 0:29 / /cpu rw - cgroup cgroup rw,cpu\n33 31 0:30 / /memory rw - cgroup cgroup rw,memory\n"
    write(tmp_path, {"proc/self/mountinfo": mounts, f"memory/{WEB}/cgroup.procs": "", "cpu/cgroup.procs": ""})
    discovery = _discovery(tmp_path)
    discovery.look()
    write(tmp_path, {f"cpu/{WEB}/cgroup.procs": ""})

    tops = {cgroup.path: cgroup.tops for cgroup in discovery.look().cgroups}[f"/{WEB}"]

    assert [Path(top).name for top in tops] == ["cpu", "memory"]


def test_a_unit_of_nspawn_is_measured_by_its_payload(machine: Path) -> None:
    unit = "/machine.slice/systemd-nspawn@studio.service"
    for path in (unit, f"{unit}/payload", f"{unit}/supervisor", f"{unit}/payload/system.slice"):
        write_group(machine, path)

    assert _paths(_discovery(machine, measure="containers")) == ["/", f"{unit}/payload"]
    assert _paths(_discovery(machine, measure="all")) == ["/", f"{unit}/payload", "/machine.slice", unit]


def test_a_machine_without_a_payload_is_a_container_itself(machine: Path) -> None:
    write_group(machine, "/machine.slice/machine-studio.scope")

    assert _paths(_discovery(machine)) == ["/", "/machine.slice/machine-studio.scope", "/machine.slice"]


def test_the_oldest_process_is_the_first_wherever_it_is_listed(machine: Path) -> None:
    write_group(machine, WEB_PATH, {"cgroup.procs": "900\n30\n50\n"})
    for pid, ticks in (("900", 700), ("30", 300), ("50", 500)):
        write_process(machine, pid, {}, ticks_after_boot=ticks * os.sysconf("SC_CLK_TCK"))

    (web,) = [cgroup for cgroup in _discovery(machine).look().cgroups if cgroup.container]

    assert (web.first_pid, web.started) == ("30", 1_700_000_300)


def test_containers_in_a_container_are_found_without_its_other_groups(machine: Path) -> None:
    """Docker in LXC, as on Proxmox."""
    inner = f"/lxc/101/ns/system.slice/docker-{WEB}.scope"
    for path in (inner, "/lxc/101/ns/system.slice/cron.service", f"{inner}/init.scope"):
        write_group(machine, path)

    assert _paths(_discovery(machine, measure="all")) == ["/", "/lxc/101", inner, "/lxc"]


def test_the_containers_of_a_pod_of_podman_with_cgroupfs_are_found(machine: Path) -> None:
    container = f"/libpod_parent/{WEB}/libpod-{DATABASE}"
    write_group(machine, container)
    write_group(machine, f"/libpod_parent/{WEB}/conmon")

    assert _paths(_discovery(machine, measure="containers")) == ["/", container]
