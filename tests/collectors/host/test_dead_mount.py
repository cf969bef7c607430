"""A file system that does not answer: a real one where the tests may mount one, and a stand-in at `os.statvfs`."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Protocol

import pytest

from collectors.host.bounded_calls import HungError
from collectors.host.config import HostConfig
from collectors.host.filesystem import FileSystems
from collectors.mounts import linux_mounts
from tests.collectors.host.support import Tree, samples_of
from tests.conftest import StartAgent
from tests.support.fuse import BLOCK, BLOCKS, hung_space, may_mount
from tests.support.waiting import PATIENCE, eventually

ROUNDS = 10


class Dead(Protocol):
    """A mounted file system whose space is answered only while `answering` is set."""

    path: Path
    answering: threading.Event


class _StandIn:
    """Hangs where a dead mount would, inside the call that asks for its space."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.answering = threading.Event()
        self._ask = os.statvfs

    def statvfs(self, path: str | Path) -> os.statvfs_result:
        if Path(path) == self.path:
            self.answering.wait()
        return self._ask(path)


@pytest.fixture(params=["real", "stand-in"] if may_mount() else ["stand-in"])
def dead(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Dead]:
    path = tmp_path / "nas"
    path.mkdir()
    if request.param == "real":
        with hung_space(path) as mounted:
            yield mounted
    else:
        stand_in = _StandIn(path)
        monkeypatch.setattr(os, "statvfs", stand_in.statvfs)
        yield stand_in
        stand_in.answering.set()


@pytest.fixture
def file_systems(dead: Dead, tree: Tree) -> FileSystems:
    root = tree({"proc/1/mounts": f"/dev/vda / ext4 rw 0 0\nnas:/samples /{dead.path.name} nfs4 rw 0 0\n"})
    return FileSystems(partial(linux_mounts, root), HostConfig(), root)


NAS = ("nas:/samples", "nfs4", "/nas")
HUNG = (*NAS, "mountpoint timeout")
ROOT = ("/dev/vda", "ext4", "/")


def test_a_dead_mount_is_marked_and_the_others_are_measured(file_systems: FileSystems) -> None:
    found = file_systems.families()

    assert samples_of(found, "node_filesystem_device_error") == {HUNG: 1, ROOT: 0}
    assert set(samples_of(found, "node_filesystem_size_bytes")) == {ROOT}


def test_a_dead_mount_costs_one_thread_and_no_more_time(
    file_systems: FileSystems, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = _threads()  # of collectors that other tests had

    def ours() -> set[threading.Thread]:
        """Return the thread that hangs, and the one that asks the others."""
        file_systems.families()
        return _threads() - others

    threads = eventually(lambda: found if len(found := ours()) == 2 else None, "one call hangs")
    monkeypatch.setattr(file_systems._calls, "_deadline", PATIENCE)  # noqa: SLF001 - the time of a round that waits
    began = time.monotonic()

    rounds = [file_systems.measured() for _ in range(ROUNDS)]

    assert time.monotonic() - began < PATIENCE
    assert all(sum(isinstance(space, HungError) for space in spaces.values()) == 1 for spaces in rounds)
    assert _threads() - others == threads


def _threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "statvfs"}


def test_a_mount_that_comes_back_is_measured_again(file_systems: FileSystems, dead: Dead) -> None:
    file_systems.families()
    dead.answering.set()

    eventually(
        lambda: samples_of(file_systems.families(), "node_filesystem_device_error").get(NAS) == 0,
        "the mount is measured",
    )
    assert NAS in samples_of(file_systems.families(), "node_filesystem_size_bytes")


if may_mount():

    def test_the_agents_scrapes_stay_on_time_beside_a_dead_mount(tmp_path: Path, start_agent: StartAgent) -> None:
        path = tmp_path / "nas"
        path.mkdir()
        labels = f'{{device="hangs",fstype="fuse.hangs",mountpoint="{path}"}}'
        hung = f'{labels[:-1]},device_error="mountpoint timeout"}}'
        with hung_space(path) as dead:
            agent = start_agent('audio.enabled = false\nhost.mount_points.exclude = "^/(dev|proc|sys)($|/)"')
            for _ in range(ROUNDS):
                page = agent.get("/metrics")[2]

                assert f"node_filesystem_device_error{hung} 1\n" in page
                assert "\nnode_load1 " in page
                assert f"node_filesystem_size_bytes{labels}" not in page

            dead.answering.set()
            size = f"node_filesystem_size_bytes{labels} {BLOCKS * BLOCK}\n"
            eventually(lambda: size in agent.get("/metrics")[2], "the mount is measured again")
