from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import psutil
import pytest

from collectors.audio.causes.reading import Query, events_of
from collectors.audio.collector import AudioCollector
from collectors.audio.config import AudioConfig
from collectors.audio.dropouts import HOLD_NS
from collectors.audio.probe import protocol
from collectors.metrics import HistogramValue
from tests.support.audio import codes, exported, number, observed, probe_pids, watching
from tests.support.jack_client import JackClient, JackListener
from tests.support.jackd import Jackd, running_jackd
from tests.support.own_process import run_in_own_process
from tests.support.waiting import PATIENCE, eventually, soon

INTERVALS = "audio_device_buffer_interval_seconds"
DROPOUTS = "audio_engine_xruns_total"


@pytest.fixture
async def collector(jackd: Jackd) -> AsyncIterator[AudioCollector]:
    """A collector that has found its server and gets buffers."""
    async with watching(AudioConfig(jack_server=jackd.name)) as collector:
        await soon(lambda: observed(collector, INTERVALS) > 10, "buffers")
        yield collector


@pytest.fixture
def client(jackd: Jackd) -> Iterator[JackClient]:
    client = JackClient(jackd.name)
    yield client
    client.close()


def is_up(collector: AudioCollector) -> bool:
    return number(collector, "audio_device_up", device="system") == 1


def counters(collector: AudioCollector) -> dict[tuple[str, ...], float]:
    """All that must never go down."""
    counted = {}
    for family in collector.collect():
        for labels, value in family.samples.items():
            if isinstance(value, HistogramValue):
                counted[family.name, *labels] = float(sum(value.counts))
            elif family.type == "counter" and isinstance(value, int | float):
                counted[family.name, *labels] = float(value)
    return counted


def went_down(before: dict[tuple[str, ...], float], after: dict[tuple[str, ...], float]) -> list[tuple[str, ...]]:
    return [key for key, value in before.items() if after.get(key, -1) < value]


async def test_the_device_is_seen_with_its_rate_frames_and_deadline(collector: AudioCollector) -> None:
    assert is_up(collector)
    assert number(collector, "audio_device_sample_rate_hertz", device="system") == 48000
    assert number(collector, "audio_device_buffer_frames", device="system") == 256
    assert number(collector, "audio_device_buffer_duration_seconds", device="system") == 256 / 48000
    assert 0 <= number(collector, "audio_device_dsp_load_ratio", device="system") < 1
    assert exported(collector, "audio_device_info", device="system", observer="jack") == 1
    assert exported(collector, "audio_device_info", device="system", observer="portaudio") == 1
    assert number(collector, "audio_device_xrun_observations_total", observer="gap", kind="lost") >= 0
    assert codes(collector) == set()


async def test_intervals_accumulate_at_rate_over_frames(collector: AudioCollector) -> None:
    loop = asyncio.get_running_loop()
    before, began = observed(collector, INTERVALS), loop.time()
    await soon(lambda: observed(collector, INTERVALS) >= before + 500, "500 buffers")
    seconds = loop.time() - began

    assert seconds > 0.8 * 500 * 256 / 48000
    assert 500 / seconds > 0.8 * 48000 / 256


async def test_one_settles_soon_after_the_start(jackd: Jackd) -> None:
    async with watching(AudioConfig(jack_server=jackd.name)) as collector:
        await soon(lambda: collector.settled, "the collector to settle")

        assert codes(collector) == set()


@pytest.mark.parametrize("death", ["kill", "terminate"])
async def test_a_dead_server_is_down_at_once_and_measuring_resumes(
    collector: AudioCollector, jackd: Jackd, death: str
) -> None:
    getattr(jackd, death)()
    await soon(lambda: not is_up(collector), "the device to be down")
    before, gauges = counters(collector), [f.name for f in collector.collect() if f.type == "gauge"]
    await soon(lambda: codes(collector) == {"audio-server-gone"}, "the finding")
    await asyncio.to_thread(jackd.start)
    await soon(lambda: is_up(collector), "the device to be up")
    buffers = observed(collector, INTERVALS)
    await soon(lambda: observed(collector, INTERVALS) > buffers, "buffers again")

    assert gauges == ["audio_device_up", "wr_agent_audio_probe_resting"]
    assert went_down(before, counters(collector)) == []
    assert before[INTERVALS, "system"] > 0
    await soon(lambda: codes(collector) == set(), "the finding to go")


async def test_a_frozen_server_is_down_at_once_and_what_was_lost_is_known(
    collector: AudioCollector, jackd: Jackd
) -> None:
    loop = asyncio.get_running_loop()
    jackd.freeze()
    began = loop.time()
    await soon(lambda: not is_up(collector), "the device to be down")
    before = counters(collector)
    await soon(lambda: "audio-server-frozen" in codes(collector), "the finding")
    frozen = loop.time() - began
    jackd.thaw()
    await soon(lambda: is_up(collector), "the device to be up")
    lost = 0.8 * frozen * 48000 / 256
    await soon(lambda: number(collector, "audio_device_lost_buffers_total") > lost, f"{lost:.0f} lost buffers")
    await soon(lambda: number(collector, DROPOUTS) > before[DROPOUTS, "device", "system"], "a dropout")

    assert went_down(before, counters(collector)) == []


async def test_a_dropout_that_another_client_causes_is_counted(collector: AudioCollector, client: JackClient) -> None:
    before = number(collector, DROPOUTS)
    seen = number(collector, "audio_device_xrun_observations_total", observer="jack")
    client.tell("late 0.2")

    await soon(
        lambda: number(collector, "audio_device_xrun_observations_total", observer="jack") > seen, "an xrun of JACK's"
    )
    await soon(lambda: number(collector, DROPOUTS) > before, "a dropout")


async def test_a_dropout_that_goes_on_is_counted_on_and_on(collector: AudioCollector, client: JackClient) -> None:
    before = number(collector, DROPOUTS)
    client.tell("hog 1000")  # five seconds without a pause

    await soon(lambda: number(collector, DROPOUTS) >= before + 3, "a dropout each second")


async def test_a_client_that_holds_up_a_synchronous_server_costs_buffers() -> None:
    jackd = Jackd(sync=True)
    try:
        jackd.start()
        client = JackClient(jackd.name)
        async with watching(AudioConfig(jack_server=jackd.name)) as collector:
            await soon(lambda: observed(collector, INTERVALS) > 10, "buffers")

            def loses_buffers() -> bool:
                before = number(collector, "audio_device_lost_buffers_total")
                client.tell("late 0.2")
                time.sleep(2)  # until the loss is certain; a probe that restarts at that time has missed it
                return number(collector, "audio_device_lost_buffers_total") > before + 20

            await asyncio.to_thread(eventually, loses_buffers, "lost buffers")
            await soon(lambda: number(collector, DROPOUTS) > 0, "a dropout")
        client.close()
    finally:
        jackd.close()


async def test_another_device_that_takes_its_place_is_watched_and_told(jackd: Jackd) -> None:
    async with watching(AudioConfig(jack_server=jackd.name)) as collector:
        await soon(lambda: is_up(collector), "the device to be up")
        usb = JackClient(jackd.name, "a-usb")
        try:
            usb.tell("own capture_1")  # listed before those of the server's own, it must not take their place
            await asyncio.sleep(3)  # ports are read every two seconds, which is not observable
            assert exported(collector, "audio_device_up", device="a-usb") is None
            assert "audio-device-unplugged" not in codes(collector)
        finally:
            usb.close()


async def test_a_killed_probe_is_replaced(collector: AudioCollector) -> None:
    (pid,) = probe_pids(os.getpid())
    before = counters(collector)
    os.kill(pid, signal.SIGKILL)
    await soon(lambda: number(collector, "wr_agent_audio_probe_restarts_total") >= 1, "another probe")
    await soon(lambda: observed(collector, INTERVALS) > before[INTERVALS, "system"] + 10, "buffers again")

    assert pid not in probe_pids(os.getpid())
    assert went_down(before, counters(collector)) == []


async def test_a_probe_that_hangs_is_replaced(collector: AudioCollector) -> None:
    (pid,) = probe_pids(os.getpid())
    os.kill(pid, signal.SIGSTOP)
    await soon(lambda: not psutil.pid_exists(pid), "the hanging probe to be ended")
    await soon(lambda: number(collector, "wr_agent_audio_probe_restarts_total") >= 1, "another probe")

    assert is_up(collector)
    assert number(collector, "audio_device_xrun_observations_total", kind="stalled") == 0


async def test_an_agent_whose_package_was_upgraded_asks_for_its_restart_and_waits(
    jackd: Jackd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "VERSION", 0)  # ours; a probe's is that of the package
    async with watching(AudioConfig(jack_server=jackd.name)) as collector:
        await soon(lambda: codes(collector) == {"audio-agent-outdated"}, "the finding")

        assert is_up(collector)  # the passive client goes on
        assert probe_pids(os.getpid()) == []
        assert number(collector, "wr_agent_audio_probe_restarts_total") == 0


async def test_a_dying_server_is_one_dropout(collector: AudioCollector, jackd: Jackd) -> None:
    before = number(collector, DROPOUTS)
    jackd.kill()

    await soon(lambda: number(collector, DROPOUTS) > before, "a dropout")
    assert number(collector, "audio_device_xrun_observations_total", observer="jack", kind="shutdown") == 1
    await asyncio.sleep(2 * HOLD_NS / 1e9)  # in which a second count of the same would have come
    ended = number(collector, DROPOUTS)
    xruns = number(collector, "audio_device_xrun_observations_total", observer="jack", kind="xrun")
    assert ended <= before + 1 + xruns  # a loaded machine may have had others, which the server reported


async def test_a_server_that_comes_back_otherwise_is_followed_and_told(collector: AudioCollector, jackd: Jackd) -> None:
    jackd.kill()
    jackd.rate, jackd.frames = 44_100, 512
    await asyncio.to_thread(jackd.start)
    await soon(lambda: number(collector, "audio_device_buffer_duration_seconds") == 512 / 44_100, "the new deadline")
    before = observed(collector, INTERVALS)
    await soon(lambda: observed(collector, INTERVALS) > before, "buffers")

    assert number(collector, "audio_device_sample_rate_hertz") == 44_100
    await soon(lambda: codes(collector) == {"audio-settings-changed"}, "the finding")


def test_many_deaths_leave_nothing_behind() -> None:
    run_in_own_process(_die_often, seconds=4 * PATIENCE)


def _die_often() -> None:
    async def watched(jackd: Jackd) -> None:
        async with watching(AudioConfig(jack_server=jackd.name)) as collector:
            await soon(lambda: observed(collector, INTERVALS) > 10, "buffers")
            await _deaths_leave_nothing(collector, jackd)

    with running_jackd() as jackd:
        asyncio.run(watched(jackd))


async def _deaths_leave_nothing(collector: AudioCollector, jackd: Jackd) -> None:
    async def die_and_revive() -> None:
        jackd.kill()
        await soon(lambda: not is_up(collector), "the device to be down")
        await asyncio.to_thread(jackd.start)
        await soon(lambda: exported(collector, "audio_channel_rms_ratio") is not None, "levels again")

    await die_and_revive()
    process = psutil.Process()
    before = process.num_fds(), process.num_threads()
    for _ in range(3):
        await die_and_revive()

    # JACK keeps a descriptor of a server until the next one: give or take one, but not one a death.
    await soon(lambda: process.num_fds() <= before[0] + 2, f"{before[0]} descriptors, or one or two more")
    await soon(lambda: process.num_threads() <= before[1] + 2, f"{before[1]} threads, or one or two more")
    assert len(probe_pids(os.getpid())) == 1


@pytest.mark.parametrize(("captures", "playbacks"), [(2, 0), (0, 2)])
async def test_a_device_of_one_direction_is_measured(captures: int, playbacks: int) -> None:
    jackd = Jackd(captures=captures, playbacks=playbacks)
    try:
        jackd.start()
        async with watching(AudioConfig(jack_server=jackd.name)) as collector:
            await soon(lambda: observed(collector, INTERVALS) > 10, "buffers")

            assert codes(collector) == ({"audio-output-only"} if playbacks else set())
            directions = [number(collector, "audio_device_latency_seconds", direction=d) for d in ("input", "output")]
            assert [latency > 0 for latency in directions] == [captures > 0, playbacks > 0]
            if captures:
                await soon(lambda: exported(collector, "audio_channel_rms_ratio") is not None, "levels")
    finally:
        jackd.close()


async def test_a_device_that_is_unplugged_while_open_is_told_and_found_again(jackd: Jackd) -> None:
    def plug_in() -> JackClient:
        client = JackClient(jackd.name, "usb")
        client.tell("own capture_1")
        return client

    usb = plug_in()
    try:
        async with watching(AudioConfig(jack_server=jackd.name, device="usb")) as collector:
            await soon(lambda: observed(collector, INTERVALS, device="usb") > 10, "buffers")
            usb.close()
            await soon(lambda: codes(collector) == {"audio-device-unplugged"}, "the finding")
            await soon(lambda: number(collector, "audio_device_up", device="usb") == 0, "the device to be down")
            before = observed(collector, INTERVALS, device="usb")
            assert [device.load for device in collector.view().devices] == [None]
            usb = plug_in()
            await soon(lambda: observed(collector, INTERVALS, device="usb") > before, "buffers again")

            await soon(lambda: codes(collector) == set(), "the finding to go")
    finally:
        usb.close()


async def test_a_probe_that_misses_deadlines_by_itself_backs_off(collector: AudioCollector) -> None:
    def hold_up_until(look: Callable[[], bool]) -> bool:
        for pid in probe_pids(os.getpid()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
                time.sleep(0.03)
                os.kill(pid, signal.SIGCONT)
        return look()

    backed_off = "audio-probe-backed-off"
    await asyncio.to_thread(eventually, lambda: hold_up_until(lambda: backed_off in codes(collector)), "the finding")
    await asyncio.to_thread(eventually, lambda: hold_up_until(lambda: not probe_pids(os.getpid())), "a closed stream")

    assert number(collector, "wr_agent_audio_probe_missed_buffers_total") > 0
    assert codes(collector) == {backed_off}
    assert is_up(collector)
    assert exported(collector, "audio_device_dsp_load_ratio") is not None


async def test_another_block_size_is_followed(collector: AudioCollector, jackd: Jackd) -> None:
    jackd.resize(512)
    await soon(lambda: number(collector, "audio_device_buffer_frames") == 512, "the new block size")
    await soon(lambda: number(collector, "wr_agent_audio_probe_restarts_total") >= 1, "a new stream")
    before = exported(collector, INTERVALS)
    await soon(lambda: observed(collector, INTERVALS) > sum(before.counts) + 50, "buffers again")  # type: ignore[union-attr]
    after = exported(collector, INTERVALS)

    assert isinstance(before, HistogramValue)
    assert isinstance(after, HistogramValue)
    assert before.sum is not None
    assert after.sum is not None
    mean = (after.sum - before.sum) / (sum(after.counts) - sum(before.counts))
    assert mean == pytest.approx(512 / 48000, rel=0.3)


async def test_a_change_of_the_block_size_costs_one_dropout_at_most(collector: AudioCollector, jackd: Jackd) -> None:
    listener = JackListener(jackd.name)
    others = 0
    try:
        await asyncio.sleep(2 * HOLD_NS / 1e9)
        before = number(collector, DROPOUTS)
        for frames in (512, 128, 256):
            restarts = number(collector, "wr_agent_audio_probe_restarts_total")
            await asyncio.to_thread(jackd.resize, frames)
            await _restarted(collector, restarts)
            changed = time.monotonic_ns()
            await asyncio.sleep(2 * HOLD_NS / 1e9)
            others += sum(xrun > changed for xrun in listener.xruns())  # a busy machine has some of its own
    finally:
        listener.close()

    assert number(collector, DROPOUTS) - before <= 3 + others


async def _restarted(collector: AudioCollector, before: float) -> None:
    await soon(lambda: number(collector, "wr_agent_audio_probe_restarts_total") > before, "a new stream")


async def test_a_dropout_is_a_finding(collector: AudioCollector, client: JackClient) -> None:
    client.tell("late 0.1")
    await soon(lambda: number(collector, DROPOUTS) > 0, "a dropout")
    (check,) = (check for check in collector.checks() if check.name == "audio.dropouts")

    assert [finding.code for finding in check.run()] == ["audio-dropouts"]


async def test_levels_are_those_of_the_sound(jackd: Jackd) -> None:
    usb = JackClient(jackd.name, "usb")
    try:
        for command in ("own capture_1", "own capture_2", "tone 0.5"):
            usb.tell(command)
        async with watching(AudioConfig(jack_server=jackd.name, device="usb")) as collector:
            await _hear(collector, usb)
    finally:
        usb.close()


async def _hear(collector: AudioCollector, usb: JackClient) -> None:
    """The sound of a device, on its first channel only: a tone, the same too loud, nothing."""

    def level(name: str, channel: str = "1") -> float:
        return number(collector, f"audio_channel_{name}", channel=channel)

    await soon(lambda: level("silent_seconds", "2") > 1, "a second of sound and silence")
    await soon(lambda: level("peak_ratio") == pytest.approx(0.5, rel=0.01), "the peak")
    await soon(lambda: level("rms_ratio") == pytest.approx(0.5 / 2**0.5, rel=0.05), "the root mean square")
    await soon(lambda: level("silent_seconds") == 0, "no silence")
    assert (level("clipped_samples_total"), level("peak_ratio", "2")) == (0, 0)

    usb.tell("tone 1.25")
    await soon(lambda: level("clipped_samples_total") > 0, "clipped samples")
    usb.tell("tone 0")
    await soon(lambda: level("silent_seconds") > 0.5, "silence")


async def test_without_a_server_nothing_is_claimed_and_the_cause_is_told() -> None:
    async with watching(AudioConfig(jack_server="wr-no-such-server")) as collector:
        await soon(lambda: collector.settled, "the collector to settle")

        assert exported(collector, "audio_device_up") is None
        assert codes(collector) == {"audio-no-server"}


async def test_a_server_that_comes_later_is_found(jackd: Jackd) -> None:
    jackd.kill()
    async with watching(AudioConfig(jack_server=jackd.name)) as collector:
        await soon(lambda: codes(collector) == {"audio-no-server"}, "the missing server")
        await asyncio.to_thread(jackd.start)
        await soon(lambda: observed(collector, INTERVALS) > 10, "buffers")

        assert is_up(collector)


async def test_a_configured_device_that_does_not_exist_is_down_and_told(jackd: Jackd) -> None:
    async with watching(AudioConfig(jack_server=jackd.name, device="usb")) as collector:
        await soon(lambda: codes(collector) == {"audio-device-not-found"}, "the finding")

        assert number(collector, "audio_device_up", device="usb") == 0


async def test_the_passive_client_alone_starts_no_process(jackd: Jackd) -> None:
    async with watching(AudioConfig(jack_server=jackd.name, observers="passive")) as collector:
        await soon(lambda: is_up(collector), "the device to be up")

        assert codes(collector) == {"audio-passive-only"}
        assert exported(collector, INTERVALS) is None
        assert probe_pids(os.getpid()) == []


async def test_the_probe_alone_measures_and_sees_its_server_die(jackd: Jackd) -> None:
    async with watching(AudioConfig(jack_server=jackd.name, observers="probe", device="system")) as collector:
        await soon(lambda: observed(collector, INTERVALS) > 10, "buffers")
        alone, load = codes(collector), exported(collector, "audio_device_dsp_load_ratio")
        jackd.kill()
        await soon(lambda: not is_up(collector), "the device to be down")
        stalled = number(collector, "audio_device_xrun_observations_total", observer="gap", kind="stalled")
        await soon(lambda: number(collector, DROPOUTS, source="device") > 0, "its end, as a dropout")
        before = observed(collector, INTERVALS)
        await asyncio.to_thread(jackd.start)
        await soon(lambda: observed(collector, INTERVALS) > before, "buffers again")

    assert stalled == 1
    assert (alone, load) == ({"audio-probe-only"}, None)


def test_starting_and_stopping_leaves_nothing_behind() -> None:
    run_in_own_process(_start_and_stop_often, seconds=4 * PATIENCE)


def _start_and_stop_often() -> None:
    async def live(jackd: Jackd) -> None:
        async with watching(AudioConfig(jack_server=jackd.name)) as collector:
            await soon(lambda: observed(collector, INTERVALS) > 10, "buffers")

    async def live_often(jackd: Jackd) -> None:
        await live(jackd)
        process = psutil.Process()
        descriptors = process.num_fds()
        await live(jackd)
        await live(jackd)

        assert probe_pids(os.getpid()) == []
        # A starved machine's passive client is still closing when the collector no longer waits for it.
        await soon(lambda: process.num_fds() <= descriptors, f"no more than {descriptors} descriptors")
        await soon(lambda: not _listening_clients(jackd), "no client listens")
        assert "wr-agent" not in jackd.ports()

    with running_jackd() as jackd:
        asyncio.run(live_often(jackd))


def _listening_clients(jackd: Jackd) -> list[Path]:
    """The sockets of our clients, also of those that have no ports; gone as soon as the server has found them."""
    return list(Path("/dev/shm").glob(f"jack_wr-agent*{jackd.name}*"))  # noqa: S108 - where JACK's clients listen


async def test_each_dropout_becomes_one_event_that_names_the_late_client(jackd: Jackd, tmp_path: Path) -> None:
    collector = AudioCollector(AudioConfig(jack_server=jackd.name), tmp_path, macos=False)
    collector.restore()
    running = asyncio.create_task(collector.run())
    try:
        await soon(lambda: observed(collector, INTERVALS) > 10, "buffers")
        client = JackClient(jackd.name)
        client.tell("hear system:capture_1")
        await asyncio.sleep(2)
        before = number(collector, DROPOUTS)
        client.tell("late 0.2")
        await soon(lambda: number(collector, DROPOUTS) > before, "a dropout")
        await soon(lambda: explained(collector) == number(collector, DROPOUTS), "each dropout has a final cause")
        client.close()
        recorded = events_of(collector.dropouts(Query()))
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running

    assert len(recorded) == explained(collector)
    assert {event.device for event in recorded} == {"system"}
    assert all(event.text for event in recorded)
    assert len({event.id for event in recorded}) == len(recorded)


def explained(collector: AudioCollector) -> float:
    """Return the sum of the dropouts over their causes."""
    family = next(family for family in collector.collect() if family.name == "audio_dropouts_by_cause_total")
    return sum(value for value in family.samples.values() if isinstance(value, int | float))
