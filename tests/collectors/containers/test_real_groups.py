"""Real control groups: made and removed where the machine allows, and else the one that the tests run in."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from collectors.containers.cgroup_reading import CPU_USAGE, MEMORY_USAGE, CgroupReading
from collectors.containers.config import ContainersConfig
from collectors.containers.discovery import Discovery
from collectors.containers.layout import UNIFIED, Layout, parse
from collectors.containers.reader import Reader
from tests.collectors.containers.support import WEB
from tests.support.waiting import PATIENCE, eventually

HELD = 32 << 20
PROGRAM = f"""
import sys
sys.stdin.read()
held = b"x" * {HELD}
while True: pass
"""


def _layouts() -> list[Layout]:
    """Each version that is mounted here, by itself: version 2 also where version 1 has its controllers."""
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    versions = [[mount for mount in mounts if f" - {type_} " in mount] for type_ in ("cgroup", "cgroup2")]
    return [Layout(trees) for version in versions if (trees := parse("\n".join(version)))]


@pytest.fixture(params=_layouts(), ids=lambda layout: "v2" if UNIFIED in layout.trees else "v1")
def layout(request: pytest.FixtureRequest) -> Layout:
    found: Layout = request.param
    return found


@pytest.fixture
def spinning(layout: Layout) -> Iterator[str]:
    """Yield the path of a control group in which a program uses a processor and memory."""
    process = subprocess.Popen([sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE)
    path = f"/wr-agent-test-{process.pid}"
    try:
        try:
            for top in layout.tops:
                Path(top + path).mkdir()
                Path(f"{top}{path}/cgroup.procs").write_text(str(process.pid))
        except OSError:
            path = _own_path(layout)
        assert process.stdin is not None
        process.stdin.close()
        yield path
    finally:
        process.kill()
        process.wait()
        for top in layout.tops:
            with suppress(OSError):
                Path(f"{top}/wr-agent-test-{process.pid}").rmdir()


def _own_path(layout: Layout) -> str:
    for line in Path(f"/proc/{os.getpid()}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if (UNIFIED in layout.trees and not controllers) or "cpuacct" in controllers.split(","):
            return path
    return "/"


def _read(reader: Reader, path: str, layout: Layout) -> CgroupReading:
    """Return the numbers of a group at one scrape."""
    reader.begin()
    return reader.read(path, layout.tops)


def test_processor_time_of_a_real_group_is_counted(layout: Layout, spinning: str) -> None:
    reader = Reader(layout, Path("/"))
    before = _read(reader, spinning, layout)[CPU_USAGE]

    eventually(lambda: _read(reader, spinning, layout)[CPU_USAGE] - before >= 0.2, "a program that spins is counted")


def test_memory_and_threads_of_a_real_group_are_counted(layout: Layout, spinning: str) -> None:
    reader = Reader(layout, Path("/"))

    if "memory" in layout.trees:
        eventually(lambda: _read(reader, spinning, layout)[MEMORY_USAGE] >= HELD, "the memory of a program is counted")
    if "pids" in layout.trees:
        assert _read(reader, spinning, layout)["container_threads",] >= 1


def test_a_group_that_is_gone_has_no_numbers(layout: Layout) -> None:
    assert Reader(layout, Path("/")).read("/wr-agent-test-never-made", layout.tops) == {}


@pytest.mark.parametrize(
    "name",
    ["lxc.payload.wr-agent-test-{}", "wr-agent-test-{}.slice:cri-containerd:" + WEB, "buildkit/wr{:0>23}"],
)
def test_a_real_group_with_the_path_of_a_container_is_one(layout: Layout, name: str) -> None:
    if not all(os.access(top, os.W_OK) for top in layout.tops):
        return  # only root may create groups there; the paths themselves are tested without them
    path = f"/{name.format(os.getpid())}"
    made = [Path(top + path) for top in layout.tops]
    existing = {parent for group in made for parent in (group, *group.parents) if parent.is_dir()}
    try:
        for group in made:
            group.mkdir(parents=True)
        found = Discovery(ContainersConfig(measure="containers"), layout, Path("/")).look()
        (group_found,) = [group for group in found.cgroups if group.path == path]

        assert group_found.container in path
        assert abs(group_found.created - time.time()) < PATIENCE
        assert Reader(layout, Path("/")).read(path, layout.tops)
    finally:
        for group in made:
            for parent in (group, *group.parents):
                if parent not in existing:
                    with suppress(FileNotFoundError):
                        parent.rmdir()
