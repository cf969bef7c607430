from __future__ import annotations

import grp
import os
import socket
from pathlib import Path

import pytest

from collectors.containers import checks
from collectors.containers.container_names import Answers
from collectors.containers.discovery import Count
from collectors.containers.engine import EngineError
from tests.collectors.containers.support import WEB, write


@pytest.fixture
def engine_socket(tmp_path: Path) -> str:
    path = str(tmp_path / "docker.sock")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(path)
    return path


def test_an_engine_that_may_not_be_asked_is_named_with_the_group_that_may(engine_socket: str) -> None:
    group = next(group for group in grp.getgrall() if group.gr_gid != 0 and group.gr_gid in _own_groups())
    os.chown(engine_socket, -1, group.gr_gid)
    error = PermissionError(13, "Permission denied")

    (finding,) = checks.names(Answers({}, {WEB}, {engine_socket: error}))

    assert finding.code == "containers-unnamed"
    assert engine_socket in finding.detail
    assert "Permission denied" in finding.detail
    assert finding.remedy[1].startswith(f"sudo usermod -aG {group.gr_name} ")


def _own_groups() -> set[int]:
    return {group.gr_gid for group in grp.getgrall()} if os.geteuid() == 0 else {os.getegid(), *os.getgroups()}


def test_no_remedy_is_to_join_the_group_of_root(engine_socket: str) -> None:
    error = PermissionError(13, "Permission denied")

    for path in (engine_socket, f"{engine_socket}.gone"):
        (finding,) = checks.names(Answers({}, {WEB}, {path: error}))

        assert not any("usermod" in line for line in finding.remedy)


def test_an_engine_that_answers_nonsense_is_shown_with_a_way_to_look(engine_socket: str) -> None:
    (finding,) = checks.names(Answers({}, {WEB}, {engine_socket: EngineError("expected status 200, got 500")}))

    assert "got 500" in finding.detail
    assert finding.remedy[1] == f"curl --unix-socket {engine_socket} http://engine/containers/json"


def test_all_is_well_while_no_engine_failed() -> None:
    assert checks.names(Answers({}, {WEB}, {})) == []


def test_more_groups_than_the_limit_are_counted() -> None:
    assert checks.limit(Count((), 0), 10) == []

    (finding,) = checks.limit(Count((), 5), 10)

    assert "at most 10 control groups, found 15" in finding.detail
    assert "limit = 15" in finding.remedy[1]


@pytest.mark.parametrize(
    ("file", "command"),
    [
        ("boot/firmware/cmdline.txt", "cgroup_enable=memory cgroup_memory=1/' /boot/firmware/cmdline.txt"),
        ("boot/cmdline.txt", "cgroup_enable=memory cgroup_memory=1/' /boot/cmdline.txt"),
        ("etc/default/grub", "cgroup_enable=memory"),
    ],
)
def test_a_kernel_without_the_memory_controller_needs_a_parameter(tmp_path: Path, file: str, command: str) -> None:
    write(tmp_path, {file: "console=tty1\n"})

    (finding,) = checks.controllers(("memory",), tmp_path)

    assert "memory" in finding.detail
    assert command in finding.remedy[0]
    assert checks.controllers((), tmp_path) == []


def test_other_missing_controllers_are_named(tmp_path: Path) -> None:
    (finding,) = checks.controllers(("io", "pids"), tmp_path)

    assert "I/O, threads" in finding.affects
    assert "io, pids" in finding.remedy[0]


def test_controllers_that_are_not_enabled_are_delegated_to_users() -> None:
    assert checks.delegation({}) == []
    (finding,) = checks.delegation({"/user.slice/user-1000.slice/a": ("io", "memory"), "/docker/b": ("memory",)})

    assert "2 containers" in finding.detail
    assert finding.affects == "Their metrics lack I/O, memory."
    assert "Delegate=cpu cpuset io memory pids" in finding.remedy[1]
    (finding,) = checks.delegation({"/docker/b": ("memory",)})
    assert "subtree_control" in finding.remedy[0]
