"""The threads of audio processes, with a real process."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from collectors.audio.causes.evidence import ThreadTrack
from collectors.audio.causes.recorder.audio_threads import AudioProcess, AudioThreads, own_processes
from tests.support.waiting import eventually

CODE = """
import os, sys, threading, time

def audio():
    os.sched_setscheduler(threading.get_native_id(), os.SCHED_FIFO, os.sched_param(5))
    ready.set()
    while True:
        time.sleep(0.005)

ready = threading.Event()
threading.Thread(target=audio, daemon=True).start()
threading.Thread(target=threading.Event().wait, daemon=True).start()
ready.wait()
print(flush=True)
for line in sys.stdin:
    os.sched_setaffinity(0, {int(line)})
    print(flush=True)
"""


@pytest.fixture
def client() -> Iterator[subprocess.Popen[str]]:
    """A process with a real-time thread, an idle one and its main thread."""
    with subprocess.Popen([sys.executable, "-c", CODE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as it:
        assert it.stdout is not None
        it.stdout.readline()
        yield it
        it.kill()


def tracks(threads: AudioThreads, at_ns: int) -> dict[str, ThreadTrack]:
    """Return the tracks by policy and role: `fifo client`."""
    return {f"{it.policy} {it.role}": it for it in threads.tracks(0, at_ns)}


def look(threads: AudioThreads, pid: int, *, clients: tuple[str, ...] = ("synth",)) -> None:
    now_ns = time.monotonic_ns()
    threads.discover([AudioProcess(pid, "client", name) for name in clients], now_ns)
    threads.look_at_all(now_ns)


def test_all_threads_have_tracks_and_the_lively_ones_grow_faster(client: subprocess.Popen[str]) -> None:
    threads = AudioThreads()
    look(threads, client.pid)
    threads.look_at_all(time.monotonic_ns())
    for _ in range(5):
        time.sleep(0.02)
        threads.look(time.monotonic_ns())
    found = threads.tracks(0, time.monotonic_ns())
    audio = next(it for it in found if it.policy == "fifo")
    idle = [it for it in found if it.policy == "other"]

    assert len(found) == 3
    assert (audio.priority, audio.client, audio.pid) == (5, "synth", client.pid)
    assert len(audio.looks) == 7
    assert audio.looks[-1].slices > audio.looks[0].slices
    assert audio.looks[0].state in {"S", "R"}
    assert all(len(it.looks) == 2 for it in idle)


def test_a_close_look_sees_a_stop(client: subprocess.Popen[str]) -> None:
    threads = AudioThreads()
    look(threads, client.pid)

    def stopped() -> bool:
        threads.look_closely(time.monotonic_ns(), idle=True)
        return {it.looks[-1].state for it in threads.tracks(0, time.monotonic_ns())} == {"T"}

    os.kill(client.pid, 19)
    try:
        assert eventually(stopped, "all threads to be stopped")
    finally:
        os.kill(client.pid, 18)


def test_a_close_look_names_where_a_thread_sleeps(client: subprocess.Popen[str]) -> None:
    threads = AudioThreads()
    look(threads, client.pid)

    def sleeps() -> bool:
        threads.look_closely(time.monotonic_ns(), idle=False)
        audio = tracks(threads, time.monotonic_ns())["fifo client"]
        return "nanosleep" in audio.looks[-1].wchan

    assert eventually(sleeps, "the thread to sleep")


def test_the_end_of_a_process_keeps_its_tracks(client: subprocess.Popen[str]) -> None:
    threads = AudioThreads()
    look(threads, client.pid)
    client.kill()
    client.wait()
    threads.look_closely(time.monotonic_ns(), idle=True)

    assert {it.pid for it in threads.tracks(0, time.monotonic_ns())} == {client.pid}

    threads.discover([], time.monotonic_ns() + 60_000_000_000)

    assert threads.tracks(0, time.monotonic_ns()) == ()


def test_each_client_of_a_process_has_its_tracks(client: subprocess.Popen[str]) -> None:
    threads = AudioThreads()
    look(threads, client.pid, clients=("first", "second"))
    found = threads.tracks(0, time.monotonic_ns())

    assert sorted((it.client, it.policy) for it in found if it.policy == "fifo") == [
        ("first", "fifo"),
        ("second", "fifo"),
    ]


def test_the_processors_of_a_thread_are_read_again(client: subprocess.Popen[str]) -> None:
    threads = AudioThreads()
    look(threads, client.pid)
    assert client.stdin is not None
    assert client.stdout is not None
    client.stdin.write("0\n")
    client.stdin.flush()
    client.stdout.readline()
    threads.refresh()
    main = next(it for it in threads.tracks(0, time.monotonic_ns()) if it.tid == client.pid)

    assert main.affinity == ((0,) if (os.cpu_count() or 1) > 1 else ())


def test_the_policy_is_that_before_the_dropout(client: subprocess.Popen[str]) -> None:
    threads = AudioThreads()
    look(threads, client.pid)
    before_ns = time.monotonic_ns()
    os.sched_setscheduler(client.pid, os.SCHED_RR, os.sched_param(9))
    threads.look_closely(time.monotonic_ns(), idle=True)
    main = {at_ns: next(it for it in threads.tracks(0, at_ns) if it.tid == client.pid) for at_ns in (before_ns, 2**62)}

    assert (main[before_ns].policy, main[before_ns].priority) == ("other", 0)
    assert (main[2**62].policy, main[2**62].priority) == ("rr", 9)


def test_own_processes_are_this_one_and_its_children(client: subprocess.Popen[str]) -> None:
    assert {os.getpid(), client.pid} <= set(own_processes())
