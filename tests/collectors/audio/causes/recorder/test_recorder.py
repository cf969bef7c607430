"""The recorder with a real jackd, a real probe and real faults."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import msgspec
import pytest

from collectors.audio.causes.evidence import Evidence, Window, decode, encode
from collectors.audio.causes.recorder.recorder import Recorder
from collectors.audio.collector import AudioCollector
from collectors.audio.config import AudioConfig
from collectors.audio.jack.passive import PassiveView
from tests.support.audio import watching
from tests.support.jack_client import JackClient
from tests.support.jackd import Jackd
from tests.support.pipewire import PipeWire
from tests.support.waiting import PATIENCE

SECOND_NS = 1_000_000_000


def window(start_ns: int, end_ns: int, server: str = "default") -> Window:
    return Window(
        id="1",
        at="2026-01-02T03:04:05.000000006Z",
        device="system",
        server=server,
        start_ns=start_ns,
        end_ns=end_ns,
        silent_ns=0,
        period_ns=5_333_333,
        observations=("jack xrun",),
        load=0.1,
        server_pid=0,
        own_pids=(),
        cpus=0,
    )


async def frozen(recorder: Recorder, start_ns: int, server: str) -> Evidence:
    """Return the evidence, as it is after it was stored."""
    return decode(encode(await recorder.freeze(window(start_ns, time.monotonic_ns(), server))))


@asynccontextmanager
async def measuring(jackd: Jackd, observers: str = "auto") -> AsyncIterator[tuple[AudioCollector, Recorder]]:
    """Yield a collector whose probe copies the table of client timings."""
    config = msgspec.convert({"jack_server": jackd.name, "observers": observers}, AudioConfig)
    async with watching(config) as collector:
        recorder = collector._recorder  # noqa: SLF001 - the collector shows only what the analysis makes of it
        assert recorder is not None
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            evidence = await frozen(recorder, time.monotonic_ns(), jackd.name)
            if evidence.window.server_pid and (evidence.cycles or observers == "passive"):
                break
        yield collector, recorder


async def test_a_client_that_sleeps_is_in_the_evidence_with_its_cycles_and_its_threads(jackd: Jackd) -> None:
    name = f"late-{jackd.name}"
    client = JackClient(jackd.name, name)
    try:
        client.tell("own out")
        async with measuring(jackd) as (_, recorder):
            await asyncio.sleep(2.5)
            start_ns = time.monotonic_ns()
            client.tell("late 0.05")
            await asyncio.sleep(0.03)
            recorder.suspect(time.monotonic_ns())
            await asyncio.sleep(0.3)
            evidence = await frozen(recorder, start_ns, jackd.name)
    finally:
        client.close()
    late = [
        it
        for cycle in evidence.cycles
        for it in cycle.clients
        if it.client == name and it.awake_ns > it.finished_ns and cycle.at_ns - it.awake_ns > 20_000_000
    ]
    threads = [it for it in evidence.threads if it.client == name]
    server = [it for it in evidence.threads if it.role == "server"]

    assert evidence.level == 1
    assert late
    assert start_ns < late[0].awake_ns < start_ns + SECOND_NS
    assert evidence.window.server_pid == jackd.pid
    assert {it.pid for it in server} == {jackd.pid}
    assert {it.policy for it in threads} == {"fifo", "other"}
    assert "S" in {look.state for it in threads for look in it.looks}
    assert os.getpid() in evidence.window.own_pids
    assert {it.role for it in evidence.threads} == {"server", "client", "probe"}
    assert sum(len(cycle.clients) for cycle in evidence.cycles) > 300
    assert evidence.system
    assert len(encode(evidence)) < 2 << 20


async def test_a_client_that_is_killed_is_an_incident(jackd: Jackd) -> None:
    name = f"dying-{jackd.name}"
    client = JackClient(jackd.name, name)
    client.tell("own out")
    async with measuring(jackd) as (_, recorder):
        await asyncio.sleep(2.5)
        start_ns = time.monotonic_ns()
        client.close()
        await asyncio.sleep(0.1)
        recorder.suspect(time.monotonic_ns())
        await asyncio.sleep(0.3)
        evidence = await frozen(recorder, start_ns, jackd.name)
    ends = [it for it in evidence.incidents if it.kind in {"client_ended", "process_ended"} and it.name == name]

    assert ends
    assert all(it.pid > 0 and it.since_ns <= start_ns + SECOND_NS for it in ends)


async def test_without_a_probe_the_timings_are_read_after_an_xrun_only(jackd: Jackd) -> None:
    name = f"late-{jackd.name}"
    client = JackClient(jackd.name, name)
    try:
        client.tell("own out")
        async with measuring(jackd, "passive") as (_, recorder):
            await asyncio.sleep(2.5)
            start_ns = time.monotonic_ns()
            recorder.suspect(start_ns)
            await asyncio.sleep(0.3)
            evidence = await frozen(recorder, start_ns, jackd.name)
    finally:
        client.close()

    assert 0 < len(evidence.cycles) < 20
    assert any(it.client == name for cycle in evidence.cycles for it in cycle.clients)
    assert [it for it in evidence.missing if "the probe does not run" in it]


async def test_the_end_of_the_server_and_its_start_are_incidents(jackd: Jackd) -> None:
    async with measuring(jackd) as (_, recorder):
        start_ns = time.monotonic_ns()
        jackd.kill()
        await asyncio.sleep(1.5)
        evidence = await frozen(recorder, start_ns, jackd.name)
        jackd.start()
        kinds: set[str] = set()
        deadline = time.monotonic() + PATIENCE
        while "server_started" not in kinds and time.monotonic() < deadline:
            kinds = {it.kind for it in (await frozen(recorder, start_ns, jackd.name)).incidents}

    assert {it.kind for it in evidence.incidents} >= {"server_ended"}
    assert evidence.cycles
    assert "server_started" in kinds


async def test_without_a_server_the_evidence_says_so_at_once() -> None:
    recorder = Recorder("wr-no-such-server")
    running = asyncio.create_task(recorder.run())
    await asyncio.sleep(0.05)
    evidence = await frozen(recorder, time.monotonic_ns(), "")
    running.cancel()

    assert evidence.level == 0
    assert evidence.missing[0].startswith("No timings of each client: ")
    assert all(it.endswith(".") for it in evidence.missing)
    assert evidence.system


async def test_a_recorder_that_does_not_run_gives_the_dropout_alone() -> None:
    evidence = await Recorder().freeze(window(1, 2))

    assert evidence.window.id == "1"
    assert evidence.missing == ("The recorder does not run.",)


async def test_changes_of_the_server_are_incidents() -> None:
    recorder = Recorder()
    running = asyncio.create_task(recorder.run())
    await asyncio.sleep(0.05)
    now_ns = time.monotonic_ns()
    view = PassiveView(state="running", rate=48_000, block=64, devices=("system",), since_ns=now_ns)
    recorder.see(view, now_ns, freewheeling=False)
    later = PassiveView(
        state="running",
        rate=48_000,
        block=128,
        before=(48_000, 64),
        changed_ns=now_ns + 5,
        devices=("other",),
        since_ns=now_ns,
    )
    recorder.see(later, now_ns + 10, freewheeling=True)
    evidence = await frozen(recorder, now_ns, "")
    running.cancel()
    found = {it.kind: it for it in evidence.incidents}

    others = {"process_ended"}  # of any process of this machine
    assert set(found) - others == {"server_started", "settings", "device_gone", "device_new", "freewheel"}
    assert found["settings"].text == "64 -> 128 frames, 48000 -> 48000 Hz"
    assert (found["device_gone"].name, found["device_new"].name) == ("system", "other")


@pytest.fixture
def pipewire(monkeypatch: pytest.MonkeyPatch) -> Iterator[PipeWire]:
    server = PipeWire()
    try:
        server.start()
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(server.folder))
        yield server
    finally:
        server.close()


async def test_the_processes_of_pipewires_nodes_are_watched(pipewire: PipeWire) -> None:
    """Its JACK clients look like those of JACK, but there is no table of their timings."""
    client = JackClient("", "synth", os.environ | pipewire.environment)
    recorder = Recorder()
    running = asyncio.create_task(recorder.run())
    try:
        recorder.see(PassiveView(state="running", since_ns=1), time.monotonic_ns(), freewheeling=False)
        deadline = time.monotonic() + PATIENCE
        evidence = await frozen(recorder, time.monotonic_ns(), "")
        while time.monotonic() < deadline and "synth" not in {it.client for it in evidence.threads}:
            await asyncio.sleep(0.2)
            evidence = await frozen(recorder, time.monotonic_ns(), "")
    finally:
        running.cancel()
        client.close()
    threads = [it for it in evidence.threads if it.client == "synth"]

    assert {it.policy for it in threads} >= {"rr"} or {it.policy for it in threads} >= {"fifo"}
    assert [it for it in evidence.threads if it.role == "server" and it.name.startswith("pipewire")]
    assert "No timings of each client: PipeWire keeps no table of them, its log shows late nodes only." in (
        evidence.missing
    )
