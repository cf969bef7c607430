from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from collectors.audio.jack.passive import PassiveClient, PassiveView
from tests.support.jack_client import JackClient
from tests.support.jackd import Jackd
from tests.support.waiting import PATIENCE, eventually


@pytest.fixture
def passive(jackd: Jackd) -> Iterator[PassiveClient]:
    client = PassiveClient(jackd.name)
    client.start()
    eventually(lambda: client.view.state == "running", "the passive client to connect")
    yield client
    client.stop()


def is_frozen(client: PassiveClient) -> bool:
    return client.view.is_frozen(time.monotonic_ns())


def test_it_knows_the_server(passive: PassiveClient, jackd: Jackd) -> None:
    view = passive.view

    assert (view.rate, view.block, view.devices) == (jackd.rate, jackd.frames, ("system",))
    assert view.latencies == {"system": (jackd.frames, 2 * jackd.frames)}  # what the dummy driver states
    assert 0 <= view.load < 1
    assert not is_frozen(passive)


def test_it_sees_an_xrun_that_another_client_causes(passive: PassiveClient, jackd: Jackd) -> None:
    client = JackClient(jackd.name)
    try:
        client.tell("late 0.2")
        eventually(lambda: len(passive.xruns) > 0, "an xrun")
    finally:
        client.close()

    assert passive.xruns[0][:2] == ("jack", "xrun")


def test_xruns_of_a_time_in_which_nobody_looked_may_have_been_at_any_time_of_it(jackd: Jackd) -> None:
    """A client in its own process, which is stopped while another client is late repeatedly."""
    watcher = subprocess.Popen(
        [sys.executable, "-c", _WATCH, jackd.name], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[4]
    )
    client = JackClient(jackd.name)
    try:
        assert watcher.stdout is not None
        assert watcher.stdout.readline() == "running\n"
        watcher.send_signal(signal.SIGSTOP)
        stopped_ns = time.monotonic_ns()
        client.tell("late 0.2")
        time.sleep(1.5)  # the length of the fault
        resumed_ns = time.monotonic_ns()
        watcher.send_signal(signal.SIGCONT)
        spans = json.loads(watcher.stdout.readline())
    finally:
        watcher.kill()
        watcher.communicate()
        client.close()

    assert len([1 for start, end in spans if start < stopped_ns + 100_000_000 and end > resumed_ns]) > 3


_WATCH = """
import json, sys, time
from collectors.audio.jack.passive import PassiveClient
client = PassiveClient(sys.argv[1])
client.start()
while client.view.state != "running":
    time.sleep(0.01)
print("running", flush=True)
before = time.monotonic()
while time.monotonic() - before < 1:
    before = time.monotonic()
    time.sleep(0.01)
time.sleep(0.3)
print(json.dumps([xrun[2:4] for xrun in client.xruns]), flush=True)
"""


def test_it_tells_a_frozen_server_and_that_it_goes_on(passive: PassiveClient, jackd: Jackd) -> None:
    jackd.freeze()
    eventually(lambda: is_frozen(passive), "the server to be seen as frozen")
    jackd.thaw()
    eventually(lambda: not is_frozen(passive), "the server to be seen as running again")

    assert passive.view.state == "running"


def test_it_comes_back_to_a_server_that_was_killed(passive: PassiveClient, jackd: Jackd) -> None:
    jackd.kill()
    eventually(lambda: passive.view.state == "absent", "the server to be seen as gone")
    seen = passive.view.seen
    jackd.frames = 512
    jackd.start()
    eventually(lambda: passive.view.state == "running", "the server to be seen again")

    assert seen
    assert passive.view.block == 512
    assert passive.view.before == (jackd.rate, 256)
    assert "shutdown" in [xrun.kind for xrun in passive.xruns]


_NAMELESS = """
import ctypes, time
library = ctypes.CDLL("libjack.so.0")
library.jack_client_open.restype = ctypes.c_void_p
client = ctypes.c_void_p(library.jack_client_open(b"wr-test-nameless", 1, None))
is_output, is_physical = 2, 4
library.jack_port_register(client, b"caf\\xe9", b"32 bit float mono audio", is_output | is_physical, 0)
print("ok", flush=True)
time.sleep(60)
"""


def test_a_port_whose_name_is_no_text_costs_nothing_else(passive: PassiveClient, jackd: Jackd) -> None:
    nameless = subprocess.Popen([sys.executable, "-c", _NAMELESS], env=jackd.environment, stdout=subprocess.PIPE)
    try:
        assert nameless.stdout is not None
        assert nameless.stdout.readline() == b"ok\n"
        assert b"caf\xe9" in subprocess.run(["jack_lsp", "-s", jackd.name], capture_output=True, check=True).stdout
        time.sleep(3)  # it reads the ports every two seconds, which is not observable
        since_ns = time.monotonic_ns()
        eventually(lambda: passive.view.cycle_ns > since_ns, "the passive client to go on")
    finally:
        nameless.kill()
        nameless.communicate()

    assert (passive.view.state, passive.view.devices) == ("running", ("system",))


def test_whatever_goes_wrong_it_connects_again(jackd: Jackd) -> None:
    import jack

    class Once(ModuleType):
        """JACK-Client, whose first client fails unexpectedly."""

        failed = False

        def __getattr__(self, name: str) -> object:
            if name == "Client" and not self.failed:
                self.failed = True
                raise RuntimeError("unforeseen")
            return getattr(jack, name)

    client = PassiveClient(jackd.name, lambda: Once("jack"))
    client.start()
    eventually(lambda: client.view.state == "running", "the passive client to connect")
    client.stop()


def test_a_server_that_is_frozen_from_the_start_is_frozen_not_absent(jackd: Jackd) -> None:
    jackd.freeze()
    client = PassiveClient(jackd.name)
    client.start()
    eventually(lambda: is_frozen(client), "the server to be seen as frozen")
    began = time.monotonic()
    client.stop()
    stopped = time.monotonic() - began
    jackd.kill()  # on SIGTERM it would wait five seconds for the client that it was about to accept

    assert stopped < PATIENCE  # the server keeps the thread, and no caller waits for it


def test_without_a_server_it_says_why() -> None:
    client = PassiveClient("wr-no-such-server")
    client.start()
    eventually(lambda: client.view.reason, "a reason")
    client.stop()

    assert client.view.state == "absent"
    assert client.view.reason == "it accepts no connection"
    assert not client.view.seen


def test_without_libjack_it_says_so() -> None:
    def missing() -> ModuleType:
        raise OSError("JACK library not found")

    client = PassiveClient("", missing)
    client.start()
    eventually(lambda: client.view.state == "unavailable", "the library to be missed")
    client.stop()

    assert client.view.reason == "JACK library not found"


def test_nothing_is_frozen_before_anything_was_tried() -> None:
    assert not PassiveView().is_frozen(time.monotonic_ns())
