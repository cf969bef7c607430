from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from collectors.audio.probe import protocol
from collectors.audio.probe.plan import ProbePlan
from collectors.audio.probe.process import ProbeError, running_probe
from collectors.audio.probe.protocol import Exit, level_record
from collectors.audio.timing import Buffer
from tests.support.audio import opened_probe, probe_pids
from tests.support.jack_client import JackClient, JackListener
from tests.support.jackd import Jackd, running_jackd
from tests.support.own_process import run_in_own_process
from tests.support.waiting import PATIENCE, eventually, soon

_PARENT = """
import asyncio, json, sys
from collectors.audio.probe.plan import ProbePlan
from tests.support.audio import opened_probe

async def main():
    async with opened_probe(ProbePlan(*json.loads(sys.argv[1]))) as probe:
        print(probe.process.pid, flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


def plan(jackd: Jackd, device: str = "system", channels: int = 0) -> ProbePlan:
    return ProbePlan(device, jack_only=True, direction="auto", channels=channels, jack_server=jackd.name)


async def test_it_tells_what_it_opened_and_records_buffers(jackd: Jackd) -> None:
    async with opened_probe(plan(jackd)) as probe:
        records: list[bytes] = []

        def enough() -> bool:
            records.extend(probe.buffers.read())
            return len(records) > 20

        await soon(enough, "records of buffers")
        await soon(probe.levels.read, "level blocks")

    buffers = [Buffer.unpack(record) for record in records]
    assert probe.stream[:4] == ("system", "JACK Audio Connection Kit", 48000.0, 2)
    assert {buffer.frames for buffer in buffers} == {256}
    assert buffers == sorted(buffers, key=lambda buffer: buffer.monotonic_ns)


async def test_it_measures_only_as_many_channels_as_are_wanted(jackd: Jackd) -> None:
    async with opened_probe(plan(jackd, channels=1)) as probe:
        assert probe.stream.channels == 1


async def test_its_client_has_a_name_of_its_own(jackd: Jackd) -> None:
    async with opened_probe(plan(jackd)):
        ports = jackd.ports()

    assert f"wr-agent-probe-{jackd.name}:in_0" in ports


async def test_a_device_that_does_not_exist_is_refused_with_those_that_do(jackd: Jackd) -> None:
    with pytest.raises(ProbeError, match="'usb'") as refused:
        async with opened_probe(plan(jackd, device="usb")):
            pass

    assert refused.value.code == Exit.DEVICE_NOT_FOUND
    assert refused.value.devices == ("system",)


async def test_without_a_jack_server_no_other_host_api_is_touched() -> None:
    with pytest.raises(ProbeError) as refused:
        async with running_probe(ProbePlan("", True, "auto", 0, "wr-no-such-server")):
            pass

    assert refused.value.code == Exit.NO_JACK
    assert "server" in refused.value.noise  # what the libraries printed is for the finding, not for the terminal


@pytest.mark.parametrize("jack_only", [True, False])
async def test_beside_a_jack_server_no_device_of_alsas_is_opened(
    jackd: Jackd,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    jack_only: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """A device of a kind unknown to ALSA, whose error message shows that PortAudio opened it."""
    spy = "pcm.spy { type wr_spy }"
    (tmp_path / "asound.conf").write_text(f"</usr/share/alsa/alsa.conf>\n{spy}\n")
    monkeypatch.setenv("ALSA_CONFIG_PATH", str(tmp_path / "asound.conf"))
    with pytest.raises(ProbeError) as refused:
        async with opened_probe(replace(plan(jackd, device="usb"), jack_only=jack_only)):
            pass

    assert ("wr_spy" in refused.value.noise) is not jack_only


async def test_a_larger_buffer_is_asked_for_where_it_is_nobody_elses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On ALSA's null device, which is not real time, but has PortAudio's real buffers."""
    (tmp_path / "asound.conf").write_text("</usr/share/alsa/alsa.conf>\npcm.wr-null { type null }\n")
    monkeypatch.setenv("ALSA_CONFIG_PATH", str(tmp_path / "asound.conf"))
    latencies = []
    for frames in (0, 4096):
        alsa = ProbePlan("wr-null", False, "auto", 1, "wr-no-such-server", frames=frames)
        async with running_probe(alsa) as probe:
            latencies.append(probe.stream.input_latency)

    assert latencies[1] > 2 * latencies[0] > 0


async def test_a_probe_of_another_version_refuses_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "VERSION", 0)  # ours; the child reads its own from the package, as after an upgrade
    with pytest.raises(ProbeError, match=r"^the agent uses version 0 .* the probe 3$") as refused:
        async with running_probe(ProbePlan("", True, "auto", 0, "wr-no-such-server")):
            pass

    assert refused.value.code == Exit.OTHER_VERSION
    assert refused.value.noise == ""


def test_a_python_that_is_not_there_is_told_and_leaves_no_descriptor() -> None:
    run_in_own_process(_start_a_missing_python)


def _start_a_missing_python() -> None:
    async def start() -> None:
        sys.executable = "/nonexistent/python"
        descriptors = psutil.Process().num_fds()
        with pytest.raises(ProbeError, match=r"cannot be started: .*/nonexistent/python"):
            async with running_probe(ProbePlan("", True, "auto", 0, "wr-no-such-server")):
                pass

        assert psutil.Process().num_fds() <= descriptors

    asyncio.run(start())


async def test_what_is_no_answer_is_told_as_it_came(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    babbling = tmp_path / "python"
    babbling.write_text("#!/bin/sh\necho hello\nexec sleep 60\n")
    babbling.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(babbling))
    with pytest.raises(ProbeError, match=r"answer b'hello\\n' cannot be parsed"):
        async with running_probe(ProbePlan("", True, "auto", 0, "wr-no-such-server")):
            pass


async def test_it_ends_by_itself_when_its_server_dies(jackd: Jackd) -> None:
    async with opened_probe(plan(jackd)) as probe:
        jackd.kill()
        code = await asyncio.wait_for(probe.process.wait(), 30)

    assert code == Exit.STREAM_ENDED


@pytest.mark.parametrize("by_signal", [False, True])
async def test_its_end_causes_no_xrun_in_other_clients(by_signal: bool) -> None:  # noqa: FBT001 - a parameter
    """JACK reports an xrun when a client ends without closing. A busy machine has fewer xruns with long cycles."""
    jackd = Jackd(frames=2048)
    try:
        jackd.start()
        listener = JackListener(jackd.name)
        deadline = time.monotonic() + PATIENCE
        while not await _ends_without_xrun(jackd, listener, by_signal=by_signal):
            assert time.monotonic() < deadline, "an xrun at each of its ends"
        listener.close()
    finally:
        jackd.close()


async def _ends_without_xrun(jackd: Jackd, listener: JackListener, *, by_signal: bool) -> bool:
    async with opened_probe(plan(jackd)) as probe:
        await soon(probe.buffers.read, "records")
        await asyncio.sleep(0.5)  # what its coming costs is over
        before = len(listener.xruns())
        if by_signal:  # as systemd does with all that belongs to a service
            probe.process.terminate()
            await asyncio.wait_for(probe.process.wait(), PATIENCE)
    await asyncio.sleep(0.5)  # JACK reports it within two cycles
    return len(listener.xruns()) == before


@pytest.mark.parametrize("times", [1, 2])
async def test_cancelling_kills_and_reaps_it_even_when_its_server_is_frozen(jackd: Jackd, times: int) -> None:
    started = asyncio.Event()
    pids = []

    async def hold() -> None:
        async with opened_probe(plan(jackd)) as probe:
            pids.append(probe.process.pid)
            started.set()
            await asyncio.sleep(600)

    task = asyncio.create_task(hold())
    await asyncio.wait_for(started.wait(), 30)
    jackd.freeze()
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0.1)  # so that the second one comes while it is being ended
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 30)

    assert not psutil.pid_exists(pids[0])


def test_nothing_is_left_of_probes_that_have_ended() -> None:
    run_in_own_process(_start_and_end_probes)


def _start_and_end_probes() -> None:
    async def live(jackd: Jackd) -> None:
        async with opened_probe(plan(jackd)) as probe:
            await soon(probe.buffers.read, "records")

    async def live_often(jackd: Jackd) -> None:
        await live(jackd)
        descriptors, mappings = psutil.Process().num_fds(), _our_mappings()
        for _ in range(3):
            await live(jackd)

        assert psutil.Process().num_fds() <= descriptors
        assert _our_mappings() == mappings == 0
        assert probe_pids(os.getpid()) == []

    with running_jackd() as jackd:
        asyncio.run(live_often(jackd))


def _our_mappings() -> int:
    return Path("/proc/self/maps").read_text(encoding="utf-8").count("wr-agent-")


@pytest.mark.parametrize("frozen", [False, True])
def test_it_does_not_outlive_a_parent_that_is_killed(jackd: Jackd, frozen: bool) -> None:  # noqa: FBT001 - a parameter of the test
    arguments = json.dumps(["system", True, "auto", 0, jackd.name])
    root = Path(__file__).parents[4]
    parent = subprocess.Popen([sys.executable, "-c", _PARENT, arguments], stdout=subprocess.PIPE, cwd=root, text=True)
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    if frozen:
        jackd.freeze()
    parent.send_signal(signal.SIGKILL)
    parent.communicate()

    eventually(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, "the probe to end")


CLIENTS = {
    "Built-in Audio Digital Stereo (IEC958)": 2,
    "Fireface UFX+ Pro": 3,
    "UFX+ Pro": 1,
    "100% *? a|b {2}^$": 1,
    "Dev: colon": 2,
    "USB Sound Device (Analog Stereo) [with more than 40 characters]": 1,
}


async def test_a_device_of_any_name_is_measured_with_its_own_channels(jackd: Jackd) -> None:
    clients = {name: JackClient(jackd.name, name) for name in CLIENTS}
    try:
        for number, (name, client) in enumerate(clients.items(), 1):
            for port in range(CLIENTS[name]):
                await asyncio.to_thread(client.tell, f"own capture_{port + 1}")
            await asyncio.to_thread(client.tell, f"tone {number / 10}")
        measured = {name: await _channels_and_peak(jackd, name) for name in CLIENTS}
    finally:
        for client in clients.values():
            client.close()

    assert measured == {name: (count, number / 10) for number, (name, count) in enumerate(CLIENTS.items(), 1)}


async def _channels_and_peak(jackd: Jackd, name: str) -> tuple[int, float]:
    """Return the number of channels of the device, and the peak of its first one."""
    async with opened_probe(ProbePlan(name, True, "auto", 0, jackd.name)) as probe:
        channels = probe.stream.channels
        blocks: list[bytes] = []
        while not blocks or level_record(channels).unpack(blocks[-1])[2] == 0:
            await asyncio.sleep(0.1)
            blocks += probe.levels.read()
    return channels, round(level_record(channels).unpack(blocks[-1])[2], 1)


async def test_the_stream_says_how_many_inputs_the_device_has() -> None:
    server = Jackd(captures=70)
    try:
        server.start()
        async with opened_probe(ProbePlan("system", True, "auto", 0, server.name)) as probe:
            assert (probe.stream.channels, probe.stream.inputs) == (64, 70)
    finally:
        server.close()
