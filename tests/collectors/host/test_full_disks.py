"""Full disks: real file systems at the places where studios record and keep their logs."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from collectors.host import checks
from collectors.host.config import HostConfig
from collectors.host.filesystem import FileSystems
from collectors.mounts import linux_mounts
from tests.conftest import StartAgent
from tests.support.agent import AgentProcess
from tests.support.small_disk import MAY_MOUNT, SmallDisk, small_disk
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.skipif(not MAY_MOUNT, reason="only root can mount")


def find_on_full_disks() -> None:
    """Write the findings about full disks in a mount namespace of this process, as pairs of code and title."""
    folder = Path(sys.argv[1])
    with contextlib.ExitStack() as mounted:
        recordings = folder / "recordings"
        for path in (recordings, Path("/home"), Path("/var/log")):
            mounted.enter_context(small_disk(folder, path)).fill()
        mounted.enter_context(small_disk(folder, folder / "many-files")).use_inodes()
        image = mounted.enter_context(small_disk(folder, folder / "image"))
        image.fill()
        image.remount_read_only()
        mounted.enter_context(small_disk(folder, folder / "empty"))
        measured = FileSystems(partial(linux_mounts, Path("/")), HostConfig(), Path("/")).measured()
        found = [*checks.disk_space(measured), *checks.inodes(measured)]
        sys.stdout.write(json.dumps([(it.code, it.title) for it in found]))


def test_each_disk_is_judged_also_in_a_namespace_of_its_own_and_a_read_only_image_is_not(tmp_path: Path) -> None:
    script = f"import {__name__} as test; test.{find_on_full_disks.__name__}()"
    done = subprocess.run(
        ["unshare", "--mount", sys.executable, "-c", script, tmp_path],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    found = {tuple(it) for it in json.loads(done.stdout)}

    assert {
        ("host-disk-space-low", f"{tmp_path}/recordings is nearly full"),
        ("host-disk-space-low", "/home is nearly full"),
        ("host-disk-space-low", "/var/log is nearly full"),
        ("host-inodes-low", f"{tmp_path}/many-files is nearly out of inodes"),
    } <= found
    assert [title for _, title in found if "/image" in title or "/empty" in title] == []


def full(running: AgentProcess, disk: SmallDisk) -> bool:
    findings = [it for check in running.status()["checks"] for it in check["findings"]]
    return f"{disk.path} is nearly full" in [it["title"] for it in findings if it["code"] == "host-disk-space-low"]


def test_the_running_agent_finds_a_full_recordings_disk_and_the_finding_ends_by_itself(
    start_agent: StartAgent, tmp_path: Path
) -> None:
    with small_disk(tmp_path) as disk:
        running = start_agent()
        assert not full(running, disk)
        disk.fill()
        eventually(lambda: full(running, disk), "the full disk is found")
        disk.clear()
        eventually(lambda: not full(running, disk), "the finding ends")
