from __future__ import annotations

import ctypes
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from collectors.audio.jack.events import JackEvents, Semaphore, silence
from tests.support.jack_client import JackClient
from tests.support.jackd import Jackd
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[4]


def post(semaphore: Semaphore) -> None:
    function, argument = semaphore.post
    ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)(function.value)(argument)  # type: ignore[arg-type]  # an address


def test_a_semaphore_counts() -> None:
    semaphore = Semaphore()
    post(semaphore)
    post(semaphore)

    assert [semaphore.take(), semaphore.wait(30), semaphore.take()] == [True, True, False]


def test_waiting_ends_at_the_deadline_or_with_the_event() -> None:
    semaphore = Semaphore()
    assert not semaphore.wait(0.01)

    threading.Timer(0.05, post, (semaphore,)).start()
    began = time.monotonic()
    assert semaphore.wait(60)
    assert time.monotonic() - began < 30


def test_what_came_while_the_process_stood_still_is_not_left_for_later(monkeypatch: pytest.MonkeyPatch) -> None:
    c = ctypes.CDLL(None)
    stood_still = SimpleNamespace(
        sem_init=c.sem_init,
        sem_trywait=c.sem_trywait,
        sem_clockwait=lambda memory, *_: c.sem_post(memory) or -1,  # raised just when time was over
    )
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: stood_still)
    semaphore = Semaphore()

    assert [semaphore.wait(0), semaphore.take()] == [True, False]


def test_xruns_and_the_end_of_the_server_are_noticed(jackd: Jackd) -> None:
    import jack

    silence(jack)
    client = jack.Client("wr-test-events", no_start_server=True, servername=jackd.name)
    events = JackEvents(jack, client)
    client.activate()
    assert not events.over

    culprit = JackClient(jackd.name)
    try:
        culprit.tell("late 0.2")
        assert events.wait_xrun(30)
    finally:
        culprit.close()
    jackd.kill()
    eventually(lambda: events.over, "the end of the server")
    client.close()
    assert events.over


STORM = """
import sys, threading, time
import jack
from collectors.audio.jack.events import JackEvents, silence
silence(jack)
print("ready", flush=True)
deadline = time.monotonic() + 20
threading.Thread(target=lambda: [None for _ in iter(lambda: time.monotonic() < deadline, False)], daemon=True).start()
try:
    client = jack.Client("wr-test-storm", no_start_server=True, servername=sys.argv[1])
except jack.JackOpenError:
    print("refused", flush=True)
else:
    events = JackEvents(jack, client)
    client.activate()
    while not events.over and time.monotonic() < deadline:
        events.wait_xrun(0.05)
    client.close()
    print("over", flush=True)
"""


def test_the_end_of_a_frozen_server_never_stops_the_interpreter(jackd: Jackd) -> None:
    """With Python in libjack's threads, one such process in a few hung forever."""
    jackd.freeze()
    storm = [
        subprocess.Popen([sys.executable, "-c", STORM, jackd.name], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for _ in range(8)
    ]
    try:
        assert [process.stdout and process.stdout.readline() for process in storm] == ["ready\n"] * 8
        time.sleep(0.3)  # they must be in the middle of a connection, which is not observable
        jackd.terminate()
        said = {process.communicate(timeout=60)[0] for process in storm}
    finally:
        for process in storm:
            process.kill()
            process.communicate()

    assert said <= {"refused\n", "over\n"}
