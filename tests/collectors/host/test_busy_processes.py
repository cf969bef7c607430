from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from collectors.findings import Severity
from collectors.host.busy_processes import (
    BusyProcesses,
    Process,
    ProcessTable,
    Watch,
    busiest,
    busiest_on_disk,
    largest,
    parse,
    read,
)
from tests.collectors.host.support import Tree, samples_of
from tests.support.waiting import eventually

TICKS = os.sysconf("SC_CLK_TCK")


def _stat(name: str, used: int, started: int = 5, pages: int = 0) -> str:
    return f"9 ({name}) R 1 1 1 0 -1 0 0 0 0 0 {used} 0 0 0 20 0 1 0 {started} 0 {pages}\n"


def _reading(at: float, **used: int) -> ProcessTable:
    return ProcessTable(at, {str(number): Process(name, 1, ticks) for number, (name, ticks) in enumerate(used.items())})


@pytest.fixture
def spinning() -> Iterator[int]:
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as process:
        yield process.pid
        process.kill()


def test_parse_takes_a_name_with_spaces_and_brackets() -> None:
    assert parse(_stat("Web (Content)", 7)) == Process("Web (Content)", 5, 7)


def test_programs_are_ranked_by_the_processors_they_used() -> None:
    before, after = _reading(10, a=0, b=0, idle=3), _reading(12, a=TICKS, b=4 * TICKS, idle=3)

    assert busiest(before, after) == [("b", 2.0), ("a", 0.5)]


def test_a_number_that_another_process_got_counts_from_its_start() -> None:
    before = ProcessTable(0, {"9": Process("old", 1, 500)})
    after = ProcessTable(1, {"9": Process("new", 2, TICKS)})

    assert busiest(before, after) == [("new", 1.0)]


def test_no_more_than_ten_are_named() -> None:
    names = [f"p{number}" for number in range(30)]

    assert len(busiest(_reading(0, **dict.fromkeys(names, 0)), _reading(1, **dict.fromkeys(names, 5)))) == 10


def test_what_spins_on_this_machine_is_found(spinning: int) -> None:
    name = read(Path("/")).processes[str(spinning)].name
    measured = BusyProcesses(Path("/"))

    assert samples_of(measured.families(), "host_busy_process_cpu_ratio") == {}
    eventually(
        lambda: samples_of(measured.families(), "host_busy_process_cpu_ratio").get((name,), 0) > 0.05,
        "a program that spins is busy",
    )


def test_used_up_processors_are_a_finding_with_who_uses_them(tree: Tree) -> None:
    root = tree({"proc/9/stat": _stat("render", 0), "proc/self": "", "proc/stat": ""})

    watch = Watch(root, processors=1)

    assert watch.check() == []
    tree({"proc/9/stat": _stat("render", 10**9)})
    (finding,) = watch.check()

    assert finding.code == "host-processors-busy"
    assert finding.severity is Severity.INFO  # for a moment, any machine may be busy
    assert "render" in finding.detail


def _busy_and_idle(busy: int, idle: int) -> str:
    return f"cpu  {busy} 0 0 {idle} 0 0 0 0 0 0\ncpu0 {busy} 0 0 {idle} 0 0 0 0 0 0\n"


def test_processes_are_read_only_while_the_processors_are_in_use(tree: Tree) -> None:
    root = tree({"proc/9/stat": _stat("render", 0), "proc/stat": _busy_and_idle(0, 0)})
    watch = Watch(root, processors=1)

    tree({"proc/9/stat": "no process table is read", "proc/stat": _busy_and_idle(100, 900)})
    assert watch.check() == []

    tree({"proc/9/stat": _stat("render", 5), "proc/stat": _busy_and_idle(1100, 900)})
    assert watch.check() == []  # the use of each program since the last look is unknown

    tree({"proc/9/stat": _stat("render", 10**9), "proc/stat": _busy_and_idle(2100, 900)})
    (finding,) = watch.check()
    assert "render" in finding.detail

    tree({"proc/9/stat": "no process table is read", "proc/stat": _busy_and_idle(2200, 1900)})
    assert watch.check() == []


PAGE = os.sysconf("SC_PAGE_SIZE")


def _io(read: int, written: int, cancelled: int = 0) -> str:
    return f"rchar: 999\nwchar: 999\nread_bytes: {read}\nwrite_bytes: {written}\ncancelled_write_bytes: {cancelled}\n"


def test_memory_is_in_bytes_and_added_up_by_name() -> None:
    found = ProcessTable(
        0,
        {
            "1": parse(_stat("a", 0, pages=2)),
            "2": parse(_stat("b", 0, pages=5)),
            "3": parse(_stat("a", 0, pages=4)),
            "4": parse(_stat("kthreadd", 0)),
        },
    )

    assert largest(found) == [("a", 6 * PAGE), ("b", 5 * PAGE)]


def test_no_more_than_ten_are_largest() -> None:
    found = ProcessTable(0, {str(pid): Process(f"p{pid}", 1, 0, resident=pid) for pid in range(30)})

    assert [size for _, size in largest(found)] == list(range(29, 19, -1))


def test_disk_traffic_is_a_rate_without_writes_that_were_cancelled() -> None:
    before = ProcessTable(10, {"1": parse(_stat("a", 0), _io(100, 1000)), "2": parse(_stat("b", 0), _io(5, 5))})
    after = ProcessTable(12, {"1": parse(_stat("a", 0), _io(300, 1600, 200)), "2": parse(_stat("b", 0), _io(5, 5))})

    assert busiest_on_disk(before, after) == [("a", (100, 200))]


def test_a_process_whose_traffic_may_not_be_known_is_left_out() -> None:
    before = ProcessTable(0, {"1": parse(_stat("a", 0)), "2": parse(_stat("b", 0), _io(1, 1))})
    after = ProcessTable(1, {"1": parse(_stat("a", 0), _io(9, 9)), "2": parse(_stat("b", 0))})

    assert busiest_on_disk(before, after) == []


def test_traffic_of_another_process_with_the_same_number_does_not_count() -> None:
    before = ProcessTable(0, {"1": parse(_stat("a", 0, started=1), _io(1, 1))})
    after = ProcessTable(1, {"1": parse(_stat("a", 0, started=2), _io(9, 9))})

    assert busiest_on_disk(before, after) == []


def test_a_program_that_writes_on_this_machine_is_found(tmp_path: Path) -> None:
    script = (
        "import os, sys\nf = os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY)\n"
        "while True: os.pwrite(f, bytes(1 << 16), 0); os.fsync(f)"
    )
    measured = BusyProcesses(Path("/"))
    measured.families()
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "file")]) as process:
        name = read(Path("/")).processes[str(process.pid)].name
        try:
            eventually(
                lambda: (
                    samples_of(measured.families(), "host_busy_process_resident_memory_bytes").get((name,), 0) > 1 << 20
                ),
                "a program has memory",
            )
            if read(Path("/"), with_disk=True).processes[str(process.pid)].disk:
                eventually(
                    lambda: (
                        samples_of(measured.families(), "host_busy_process_disk_bytes_per_second").get(
                            (name, "write"), 0
                        )
                        > 0
                    ),
                    "a program that writes is busy",
                )
        finally:
            process.kill()
