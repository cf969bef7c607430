"""The processor time of all processes, with real processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from collectors.audio.causes.evidence import ProcessTrack
from collectors.audio.causes.recorder.processes import YOUNG_NS, Processes, run_ns
from collectors.audio.causes.recorder.task_stat import parse_stat
from tests.support.waiting import eventually

SECOND_NS = 1_000_000_000


@contextmanager
def program(code: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as it:
        assert it.stdout is not None
        it.stdout.readline()
        try:
            yield it
        finally:
            it.kill()


SPIN = """
import sys, time
print(flush=True)
for line in sys.stdin:
    until = time.process_time() + float(line)
    while time.process_time() < until:
        pass
    print(flush=True)
"""


def spin(process: subprocess.Popen[str], seconds: float) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{seconds}\n")
    process.stdin.flush()
    process.stdout.readline()


def track(processes: Processes, pid: int, since_ns: int) -> ProcessTrack | None:
    tracks = processes.tracks(since_ns, time.monotonic_ns())
    return next((it for it in tracks if it.pid == pid), None)


def is_asleep(pid: int) -> bool:
    return parse_stat(Path(f"/proc/{pid}/stat").read_bytes()).state == "S"


def look(processes: Processes, *, whole: bool = True) -> int:
    now_ns = time.monotonic_ns()
    processes.discover(now_ns)
    processes.look(now_ns, whole=whole)
    return now_ns


def test_a_hog_is_measured_and_an_idle_process_is_left_out() -> None:
    with program(SPIN) as hog, program(SPIN) as idle:
        spin(hog, 0.01)
        spin(idle, 0.01)
        eventually(lambda: is_asleep(idle.pid), "the idle process to wait for its input")
        processes = Processes()
        since_ns = look(processes)
        spin(hog, 0.06)
        look(processes)
        processes.refresh(since_ns)
        found = track(processes, hog.pid, since_ns)

        assert found is not None
        assert found.looks[-1].run_ns - found.looks[0].run_ns >= 60_000_000
        assert (found.parent, found.user, found.policy, found.nice) == (os.getpid(), os.getuid(), "other", os.nice(0))
        assert found.name.startswith("python")
        assert found.cgroup.startswith("/")
        assert since_ns - 60 * SECOND_NS < found.started_ns <= time.monotonic_ns()
        assert track(processes, idle.pid, since_ns) is None


def test_the_time_of_a_burst_after_idleness_is_known() -> None:
    """A look before the burst is kept, although nothing had changed by then."""
    with program(SPIN) as hog:
        spin(hog, 0.01)
        processes = Processes()
        look(processes)
        last_ns = look(processes)
        spin(hog, 0.03)
        look(processes, whole=False)
        found = track(processes, hog.pid, last_ns - SECOND_NS)

    assert found is not None
    assert found.looks[-2].at_ns == last_ns
    assert found.looks[-1].run_ns - found.looks[-2].run_ns >= 30_000_000


def test_the_end_of_a_process_keeps_its_track() -> None:
    with program(SPIN) as hog:
        spin(hog, 0.01)
        processes = Processes()
        since_ns = look(processes)
        spin(hog, 0.02)
        look(processes)
        hog.kill()
        hog.wait()
    now_ns = time.monotonic_ns()
    vanished = processes.discover(now_ns)
    found = track(processes, hog.pid, since_ns)

    assert hog.pid in vanished
    assert found is not None
    assert found.ended_ns == now_ns


def test_time_of_children_that_ended_shows_their_parent() -> None:
    code = """
import subprocess, sys
print(flush=True)
sys.stdin.readline()
subprocess.run([sys.executable, "-c", "import time\\nwhile time.process_time() < 0.2: pass"])
print(flush=True)
sys.stdin.readline()
"""
    with program(code) as parent:
        processes = Processes()
        since_ns = look(processes)
        spin(parent, 0)
        look(processes)
        found = track(processes, parent.pid, since_ns)

    assert found is not None
    assert found.looks[-1].children_ns - found.looks[0].children_ns >= 190_000_000


def test_a_real_time_thread_gives_its_process_its_priority() -> None:
    code = """
import os, sys, threading, time
def run():
    os.sched_setscheduler(threading.get_native_id(), os.SCHED_FIFO, os.sched_param(3))
    print(flush=True)
    for _ in sys.stdin:
        until = time.process_time() + 0.01
        while time.process_time() < until:
            pass
        print(flush=True)
threading.Thread(target=run).start()
"""
    with program(code) as process:
        processes = Processes()
        since_ns = look(processes)
        spin(process, 0)
        look(processes)
        processes.refresh(since_ns)
        found = track(processes, process.pid, since_ns)

    assert found is not None
    assert (found.policy, found.priority) == ("fifo", 3)


def test_the_clock_of_another_process_counts_all_its_threads() -> None:
    code = """
import threading, time
def spin():
    until = time.thread_time() + 0.02
    while time.thread_time() < until:
        pass
threads = [threading.Thread(target=spin) for _ in range(3)]
[it.start() for it in threads]
[it.join() for it in threads]
print(flush=True)
input()
"""
    with program(code) as process:
        assert run_ns(process.pid) >= 60_000_000


def test_the_name_of_a_short_program_is_read_at_its_start() -> None:
    processes = Processes()
    look(processes)
    with subprocess.Popen(["sleep", "60"]) as process:
        processes.started(process.pid, time.monotonic_ns())
        process.kill()

    assert processes.end(process.pid, time.monotonic_ns()) == "sleep"


def test_a_process_that_raises_its_priority_after_its_start_is_seen_with_it() -> None:
    processes = Processes()
    look(processes)
    with program(SPIN) as hog:
        started_ns = time.monotonic_ns()
        processes.started(hog.pid, started_ns)
        os.sched_setscheduler(hog.pid, os.SCHED_FIFO, os.sched_param(7))
        assert processes.young_ns == started_ns + YOUNG_NS
        processes.look_at_young(started_ns + YOUNG_NS)
        os.sched_setscheduler(hog.pid, os.SCHED_OTHER, os.sched_param(0))
        look(processes)
        found = track(processes, hog.pid, started_ns - SECOND_NS)

    assert processes.young_ns == 0
    assert found is not None
    assert (found.policy, found.priority) == ("fifo", 7)


def test_the_threads_of_a_process_that_grew_are_read_at_once() -> None:
    code = """
import os, sys, threading, time
print(flush=True)
def run():
    os.sched_setscheduler(threading.get_native_id(), os.SCHED_FIFO, os.sched_param(3))
    until = time.thread_time() + 0.02
    while time.thread_time() < until:
        pass
    print(flush=True)
    done.wait()
for _ in sys.stdin:
    done = threading.Event()
    thread = threading.Thread(target=run)
    thread.start()
    sys.stdin.readline()
    done.set()
    thread.join()
    print(flush=True)
"""
    with program(code) as process:
        processes = Processes()
        since_ns = look(processes)
        spin(process, 0)
        processes.look_for_suspects(time.monotonic_ns())
        spin(process, 0)
        look(processes)
        found = track(processes, process.pid, since_ns)

    assert found is not None
    assert (found.policy, found.priority) == ("fifo", 3)
