from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from collectors.host.process import OwnProcess
from tests.collectors.host.support import Tree, samples_of


def _value(name: str) -> float:
    return samples_of(OwnProcess(Path("/")).families(), name)[()]


def test_it_is_this_process() -> None:
    process = psutil.Process()

    assert _value("process_start_time_seconds") == pytest.approx(process.create_time(), abs=2)
    assert _value("process_resident_memory_bytes") == pytest.approx(process.memory_info().rss, rel=0.1)
    assert _value("process_virtual_memory_bytes") == pytest.approx(process.memory_info().vms, rel=0.1)
    assert _value("process_virtual_memory_max_bytes") >= process.memory_info().vms


def test_processor_time_is_counted_in_seconds() -> None:
    before = _value("process_cpu_seconds_total")
    busy_until = time.process_time() + 0.2
    while time.process_time() < busy_until:
        pass

    assert _value("process_cpu_seconds_total") - before == pytest.approx(0.2, abs=0.1)


def test_open_files_are_counted_on_a_kernel_that_gives_no_size(tree: Tree) -> None:
    files = {"proc/stat": "btime 1\n", "proc/self/stat": Path("/proc/self/stat").read_text()}
    root = tree(files | {f"proc/self/fd/{number}": "" for number in range(7)})

    assert samples_of(OwnProcess(root).families(), "process_open_fds") == {(): 7}


def test_memory_is_the_proportional_share_of_the_agent_and_its_children() -> None:
    script = "held = b'x' * 20_000_000; print(len(held), flush=True); input()"
    before = samples_of(OwnProcess(Path("/")).families(), "wr_agent_memory_pss_bytes")
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        during = samples_of(OwnProcess(Path("/")).families(), "wr_agent_memory_pss_bytes")
        child.kill()

    assert 0 < before["agent",] < psutil.Process().memory_info().rss * 1.1
    assert during["children",] - before["children",] > 20_000_000


def test_a_kernel_without_proportional_sizes_gives_none_of_the_agent(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/stat").write_text("btime 1\n")
    (tmp_path / "proc/self").mkdir()
    (tmp_path / "proc/self/fd").mkdir()
    (tmp_path / "proc/self/stat").write_text(Path("/proc/self/stat").read_text())

    assert ("agent",) not in samples_of(OwnProcess(tmp_path).families(), "wr_agent_memory_pss_bytes")


def test_proportional_memory_is_not_measured_at_each_scrape(tree: Tree) -> None:
    root = tree({f"proc/self/{name}": Path(f"/proc/self/{name}").read_text() for name in ("stat", "smaps_rollup")})
    tree({"proc/stat": "btime 1\n", "proc/self/fd/0": ""})
    process = OwnProcess(root)
    before = samples_of(process.families(), "wr_agent_memory_pss_bytes")
    tree({"proc/self/smaps_rollup": "Pss: 1 kB\n"})

    assert samples_of(process.families(), "wr_agent_memory_pss_bytes") == before
    assert samples_of(OwnProcess(root).families(), "wr_agent_memory_pss_bytes")["agent",] == 1024


def test_open_files_are_counted() -> None:
    before = _value("process_open_fds")
    opened = [os.open(os.devnull, os.O_RDONLY) for _ in range(5)]
    try:
        assert _value("process_open_fds") == before + 5
    finally:
        for descriptor in opened:
            os.close(descriptor)
    assert _value("process_max_fds") >= before
