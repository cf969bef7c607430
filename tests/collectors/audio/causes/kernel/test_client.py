"""The daemon's connection, the recorder and the parser together, on the real kernel."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import pytest

from collectors.audio.causes.analysis.schedule import Schedule
from collectors.audio.causes.evidence import Trace
from collectors.audio.causes.kernel import captured, namespaces
from collectors.audio.causes.kernel.client import INSTALL, KernelRecorder, State
from collectors.audio.causes.kernel.link import Link
from tests.support.kernel_recorder import RecorderProcess, recorder_process
from tests.support.own_process import run_in_own_process
from tests.support.waiting import PATIENCE, soon

MS = 1_000_000

OWN_NAMESPACE = str(Path("/proc/self/ns/pid").readlink())

NAMED = """
import os, sys, time
open("/proc/self/comm", "w").write(sys.argv[1])
"""

SPIN = (
    NAMED
    + """
os.sched_setaffinity(0, {0})
if int(sys.argv[2]):
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(int(sys.argv[2])))
end = time.monotonic() + float(sys.argv[3])
while time.monotonic() < end:
    pass
"""
)

STOP = (
    NAMED
    + """
victim = int(sys.argv[2])
time.sleep(0.2)
os.kill(victim, 19)
time.sleep(0.3)
os.kill(victim, 18)
"""
)


def thread(schedule: Schedule, name: str) -> int:
    """Return the thread of a name. Its number is that of the initial pid namespace, which may not be this one."""
    (tid,) = [tid for tid in schedule.trace.names if schedule.name(tid) == name]
    return tid


async def started(*script: str) -> asyncio.subprocess.Process:
    """Return a process with a script."""
    return await asyncio.create_subprocess_exec(sys.executable, "-c", *script)


@pytest.fixture(autouse=True)
def initial_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Treat the namespace of these tests as the kernel's own: they know threads by their names."""
    monkeypatch.setattr(namespaces, "INITIAL", OWN_NAMESPACE)


@contextlib.asynccontextmanager
async def connected(path: Path) -> AsyncIterator[KernelRecorder]:
    """A client that is connected."""
    client = KernelRecorder(path)
    running = asyncio.create_task(client.run())
    try:
        await soon(lambda: client.state is State.CONNECTED, "the client is connected")
        yield client
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def trace(client: KernelRecorder, start_ns: int, end_ns: int) -> Trace:
    """Return the trace of a window."""
    descriptor = await client.capture(start_ns, end_ns)
    assert descriptor is not None, client.reason
    try:
        return captured.read(descriptor)
    finally:
        os.close(descriptor)


def test_absent_recorder_is_named(tmp_path: Path) -> None:
    async def run() -> KernelRecorder:
        client = KernelRecorder(tmp_path / "socket")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(client.run(), 0.2)
        client.freeze(time.monotonic_ns())
        assert client.pid == 0
        assert await client.capture(0, 1) is None
        return client

    client = asyncio.run(run())

    assert client.state is State.ABSENT
    assert client.missing == f"No kernel trace: no kernel recorder runs; to switch it on: {INSTALL}."


def test_agent_in_a_container_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(namespaces, "INITIAL", "pid:[1]")

    async def run() -> KernelRecorder:
        client = KernelRecorder(tmp_path / "socket")
        await asyncio.wait_for(client.run(), 30)
        return client

    client = asyncio.run(run())

    assert client.state is State.REFUSED
    assert client.missing.startswith("No kernel trace: the agent runs in a pid namespace of its own")


async def test_failed_window_is_named_until_the_next(tmp_path: Path) -> None:
    with recorder_process(tmp_path / "socket") as recorder:
        async with connected(recorder.socket) as client:
            assert client.missing == ""
            assert client.pid == recorder.process.pid
            recorder.process.send_signal(signal.SIGSTOP)
            assert await client.capture(0, 1) is None
            assert client.missing
            recorder.process.send_signal(signal.SIGCONT)
            await soon(lambda: not client.missing, "the daemon connects again")
            now_ns = time.monotonic_ns()
            assert (await trace(client, now_ns - MS, now_ns)).switches
            assert client.missing == ""


async def test_hog_is_seen_on_its_processor(tmp_path: Path) -> None:
    with recorder_process(tmp_path / "socket") as recorder:
        async with connected(recorder.socket) as client:
            start_ns = time.monotonic_ns()
            await (await started(SPIN, "wr-hog", "33", "0.06")).wait()
            client.freeze(time.monotonic_ns())
            found = await trace(client, start_ns, time.monotonic_ns())
    schedule = Schedule(found)

    assert found.lost == 0
    assert found.start_ns == start_ns
    hog = thread(schedule, "wr-hog")
    runs = [run for run in schedule.runs(0, found.start_ns, found.end_ns) if run.tid == hog]
    longest = max(runs, key=lambda run: run.end_ns - run.start_ns)
    assert longest.priority == schedule.priority(hog) == 33
    assert longest.end_ns - longest.start_ns >= 40 * MS
    assert hog in [tid for _, tid in schedule.ends(start_ns, found.end_ns)]
    assert hog in [tid for _, tid, _ in found.starts]


async def test_processors_are_never_unaccounted_for(tmp_path: Path) -> None:
    with recorder_process(tmp_path / "socket") as recorder:
        async with connected(recorder.socket) as client:
            await asyncio.sleep(0.5)
            now_ns = time.monotonic_ns()
            found = await trace(client, now_ns - 300 * MS, now_ns)
    schedule = Schedule(found)

    assert schedule.cpus == tuple(sorted(os.sched_getaffinity(0)))
    for cpu in schedule.cpus:
        assert sum(schedule.occupants(cpu, found.start_ns, found.end_ns).values()) == found.end_ns - found.start_ns


async def test_stopped_process_and_the_sender_of_the_signal(tmp_path: Path) -> None:
    with recorder_process(tmp_path / "socket") as recorder:
        async with connected(recorder.socket) as client:
            start_ns = time.monotonic_ns()
            victim = await started(SPIN, "wr-victim", "0", "1")
            await (await started(STOP, "wr-stopper", str(victim.pid))).wait()
            await victim.wait()
            found = await trace(client, start_ns, time.monotonic_ns())
    schedule = Schedule(found)
    stopped = thread(schedule, "wr-victim")

    assert schedule.totals(stopped, found.start_ns, found.end_ns)["stopped"] >= 80 * MS
    sent = [one for one in schedule.signals(found.start_ns, found.end_ns) if one.target == stopped]
    assert [one.number for one in sent] == [signal.SIGSTOP, signal.SIGCONT]
    assert {one.sender for one in sent} == {thread(schedule, "wr-stopper")}


async def test_a_window_reaches_over_several_freezes(tmp_path: Path) -> None:
    with recorder_process(tmp_path / "socket") as recorder:
        async with connected(recorder.socket) as client:
            start_ns = time.monotonic_ns()
            for _ in range(3):
                client.freeze(time.monotonic_ns())
                await asyncio.sleep(0.55)
            found = await trace(client, start_ns, time.monotonic_ns())
            again = await trace(client, start_ns, found.end_ns)
    times = [switch[0] for switch in found.switches]

    assert found.start_ns == start_ns
    assert found.lost == 0
    assert max(later - earlier for earlier, later in pairwise(times)) < 300 * MS
    assert len(set(found.switches)) == len(found.switches)
    assert again.switches == tuple(switch for switch in found.switches if switch[0] <= again.end_ns)


async def test_what_follows_a_freeze_is_stored_without_a_request(tmp_path: Path) -> None:
    with recorder_process(tmp_path / "socket") as recorder:
        async with connected(recorder.socket) as client:
            first = [(path / "tracing_on").read_text() for path in recorder.instances]
            client.freeze(time.monotonic_ns())
            await soon(
                lambda: [(path / "tracing_on").read_text() for path in recorder.instances] == first[::-1], "it freezes"
            )
            await soon(
                lambda: [(path / "tracing_on").read_text() for path in recorder.instances] == first,
                "it stores the rest",
            )


async def test_a_freeze_takes_less_than_a_tenth_of_a_second(tmp_path: Path) -> None:
    with recorder_process(tmp_path / "socket") as recorder:
        link = await Link.open(recorder.socket, 10)
        delays = []
        for _ in range(5):
            await asyncio.sleep(0.3)
            asked_ns = time.monotonic_ns()
            reply, _ = await link.answer(b"freeze", 10)
            delays.append(reply.frozen_ns - asked_ns)
        link.close()

    assert 0 < min(delays) < 100 * MS


async def test_daemon_connects_again_after_the_recorder_was_killed(tmp_path: Path) -> None:
    with recorder_process(tmp_path / "socket") as first:
        async with connected(first.socket) as client:
            left = first.instances
            first.end(signal.SIGKILL)
            await soon(lambda: client.state is State.ABSENT, "the daemon notices")
            assert [(path / "tracing_on").read_text() for path in left] == ["0\n", "0\n"]
            assert await client.capture(0, 1) is None
            with recorder_process(tmp_path / "socket") as second:
                assert first.instances == []
                await soon(lambda: client.state is State.CONNECTED, "the daemon connects again")
                assert len(second.instances) == 2


async def test_nothing_is_traced_after_the_daemon_was_killed(tmp_path: Path) -> None:
    script = f"""
import asyncio, pathlib
from collectors.audio.causes.kernel import namespaces
from collectors.audio.causes.kernel.client import KernelRecorder
namespaces.INITIAL = {OWN_NAMESPACE!r}
asyncio.run(KernelRecorder(pathlib.Path({str(tmp_path / "socket")!r})).run())
"""
    with recorder_process(tmp_path / "socket") as recorder:
        assert recorder.instances == []
        daemon = await started(script)
        try:
            await soon(lambda: len(recorder.instances) == 2, "the kernel is traced")
        finally:
            daemon.kill()
            await daemon.wait()
        await soon(lambda: not recorder.instances, "the kernel is not traced")
        async with connected(recorder.socket):
            assert len(recorder.instances) == 2


async def test_a_recorder_that_does_not_answer_is_left(tmp_path: Path) -> None:
    with recorder_process(tmp_path / "socket") as recorder:
        async with connected(recorder.socket) as client:
            recorder.process.send_signal(signal.SIGSTOP)
            started = time.monotonic()
            assert await client.capture(0, 1) is None
            assert time.monotonic() - started < PATIENCE
            assert "did not answer within 2 s" in client.reason or "ended or stopped" in client.reason
            recorder.process.send_signal(signal.SIGCONT)
            await soon(lambda: client.state is State.CONNECTED, "the daemon connects again")


def test_descriptors_do_not_leak(tmp_path: Path) -> None:
    run_in_own_process(_capture_often, tmp_path, seconds=2 * PATIENCE)


def _capture_often(folder: Path) -> None:
    namespaces.INITIAL = OWN_NAMESPACE

    async def capture() -> None:
        with recorder_process(folder / "socket") as recorder:
            async with connected(recorder.socket) as client:
                await _descriptors_do_not_leak(recorder, client)

    asyncio.run(capture())


async def _descriptors_do_not_leak(recorder: RecorderProcess, client: KernelRecorder) -> None:
    async def use() -> None:
        now_ns = time.monotonic_ns()
        await trace(client, now_ns - 100 * MS, now_ns)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.capture(now_ns - 100 * MS, now_ns), 0)

    await use()
    ours, theirs = _descriptors(os.getpid()), _descriptors(recorder.process.pid)
    for _ in range(6):
        await use()

    await soon(lambda: _descriptors(os.getpid()) <= ours + 1, "the daemon closes its descriptors")
    await soon(lambda: _descriptors(recorder.process.pid) <= theirs, "the recorder closes its descriptors")


def _descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


async def test_refusal_is_named(tmp_path: Path) -> None:
    with recorder_process(tmp_path / "socket") as recorder:
        async with connected(recorder.socket):
            second = KernelRecorder(recorder.socket)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(second.run(), 0.5)

    assert second.state is State.REFUSED
    assert second.missing == ("No kernel trace: another agent uses the kernel recorder; it serves one at a time.")


def test_unused_recorder_is_stopped_by_a_signal(tmp_path: Path) -> None:
    recorder = RecorderProcess(tmp_path / "socket")

    assert recorder.end() == 0
    assert recorder.instances == []
