from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from collectors.host import audio_servers
from collectors.host.audio_servers import AudioServers, Thread, check, parse, servers, threads
from tests.collectors.host.support import samples_of
from tests.support.jackd import Jackd, running_jackd
from tests.support.waiting import eventually

PROC = Path("/proc")

STAT = (
    "77 (data-loop.0 (rt)) S 70 70 70 0 -1 4194304 0 0 0 0 1 2 0 0 -89 0 4 0 "
    "5000 0 0 18446744073709551615 0 0 0 0 0 0 0 0 0 0 0 0 -1 3 88 1 0 0 0\n"
)
STATUS = "Name:\tdata-loop.0\nThreads:\t4\nvoluntary_ctxt_switches:\t1200\nnonvoluntary_ctxt_switches:\t34\n"

StartServer = Callable[[str], int]


@pytest.fixture
def jackd() -> Iterator[Jackd]:
    with running_jackd() as server:
        yield server


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[StartServer]:
    """Starts a program that has the name of an audio server, and only that."""
    with ExitStack() as running:

        def start(name: str) -> int:
            path = tmp_path / name
            shutil.copy(shutil.which("sleep") or "", path)
            process = running.enter_context(subprocess.Popen([path, "600"]))
            running.callback(process.kill)
            eventually(lambda: name in Path(f"/proc/{process.pid}/comm").read_text(), "the program runs")
            return process.pid

        yield start


def _thread(policy: str, *, process: str = "pipewire", name: str = "data", priority: int = 0, id_: str = "1") -> Thread:
    return Thread(process, name, id_, policy, priority, voluntary=10, involuntary=2)


def test_parse_reads_policy_priority_and_switches_of_a_thread_whose_name_has_brackets() -> None:
    assert parse("pipewire", "77", STAT, STATUS) == Thread("pipewire", "data-loop.0 (rt)", "77", "fifo", 88, 1200, 34)


def test_a_real_jack_server_is_found_with_the_policy_that_the_kernel_gives(jackd: Jackd) -> None:
    assert str(jackd.pid) in servers(PROC)

    found = list(threads(PROC, [str(jackd.pid)]))

    policies = {0: "other", 1: "fifo", 2: "rr"}
    assert {it.id: it.policy for it in found} == {it.id: policies[os.sched_getscheduler(int(it.id))] for it in found}
    assert {it.process for it in found} == {"jackd"}
    assert bool(check(found)) is not any(it.is_real_time for it in found)


@pytest.mark.usefixtures("jackd")
def test_the_switches_of_a_real_jack_server_are_counted() -> None:
    measured = AudioServers(Path("/"))
    before = _switches(measured)["jackd", "jackd", "voluntary"]

    eventually(lambda: _switches(measured)["jackd", "jackd", "voluntary"] > before, "its threads work")


def _switches(measured: AudioServers) -> dict[tuple[str, ...], float]:
    return samples_of(measured.families(), "host_audio_server_context_switches_total")


def test_a_server_that_is_started_is_found_within_the_search_time(
    start_server: StartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audio_servers, "SEARCH_SECONDS", 0.2)
    measured = AudioServers(Path("/"))
    measured.families()

    start_server("pulseaudio")

    eventually(lambda: ("pulseaudio", "pulseaudio", "voluntary") in _switches(measured), "it is found")


def test_a_server_without_priority_is_a_finding_and_goes_with_it(start_server: StartServer) -> None:
    pid = str(start_server("pulseaudio"))

    (finding,) = check(threads(PROC, [pid]))
    os.kill(int(pid), 9)
    os.waitpid(int(pid), 0)

    assert finding.code == "audio-server-not-realtime"
    assert "pulseaudio" in finding.title
    assert check(threads(PROC, [pid])) == []


def test_one_real_time_thread_is_enough_and_helpers_need_none() -> None:
    assert check([_thread("other"), _thread("fifo", priority=88)]) == []
    assert check([_thread("rr", priority=5)]) == []
    assert check([_thread("other", process="wireplumber")]) == []
    assert len(check([_thread("other"), _thread("other", process="jackd")])) == 2


def test_threads_of_one_name_are_taken_together_and_no_counter_falls(monkeypatch: pytest.MonkeyPatch) -> None:
    rounds = iter(
        [
            [_thread("other", id_="1"), _thread("fifo", id_="2", priority=88)],
            [_thread("fifo", id_="2", priority=88), _thread("other", id_="3")],
            [],
        ]
    )
    monkeypatch.setattr(audio_servers, "threads", lambda *_: next(rounds))
    measured = AudioServers(Path("/"))
    first = measured.families()

    assert samples_of(first, "host_audio_server_thread_priority") == {("pipewire", "data", "fifo"): 88}
    assert samples_of(first, "host_audio_server_context_switches_total") == {
        ("pipewire", "data", "voluntary"): 20,
        ("pipewire", "data", "involuntary"): 4,
    }
    assert _switches(measured)[("pipewire", "data", "voluntary")] == 30
    assert _switches(measured) == {}
