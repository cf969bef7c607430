from __future__ import annotations

from dataclasses import replace

import pytest

from collectors.audio.device import INTERVAL_BOUNDS, JITTER_BOUNDS, MOST_DEVICES, Device, Devices
from collectors.audio.dropouts import Observation
from collectors.audio.jack.passive import PassiveView
from collectors.audio.probe.protocol import BUFFER_RECORD, StreamInfo, level_record

SECOND = 1_000_000_000
SERVER = PassiveView(state="running", rate=48000, block=256, load=0.25, devices=("system",), cycle_ns=5 * SECOND)
STREAM = StreamInfo("system", "JACK Audio Connection Kit", 48000.0, 1, 0.0, 0.0)
DEADLINE_NS = 256 * SECOND // 48000


def record(index: float, flags: int = 0) -> bytes:
    return BUFFER_RECORD.pack(index * DEADLINE_NS / SECOND, int(index * DEADLINE_NS), flags, 256, 0)


def test_counters_of_an_observer_begin_at_zero() -> None:
    device = Device("system")
    device.see_server(SERVER, [])

    assert device.view().observations == {("jack", "xrun"): 0, ("jack", "shutdown"): 0}


def test_an_observer_is_named_and_counts_from_zero() -> None:
    device = Device("Built-in Output")
    device.watched_by("coreaudio", "Core Audio")

    assert device.view().observers == (("coreaudio", "Core Audio"),)
    assert device.view().observations == {("coreaudio", "overload"): 0}


def test_what_the_server_says_is_taken_over() -> None:
    device = Device("system")
    device.see_server(SERVER, [Observation("jack", "xrun", 1, 1)])
    view = device.view()

    assert (view.rate, view.frames, view.load, view.cycle_ns) == (48000.0, 256, 0.25, 5 * SECOND)
    assert view.observations["jack", "xrun"] == 1


def test_the_load_of_a_device_that_left_the_server_ends() -> None:
    device = Device("usb")
    for second in range(62):
        device.see_server(replace(SERVER, load=0.9), [])
        device.settle(second * SECOND)
    high = device.view().recent.load
    device.leave_server()
    for second in range(62, 124):
        device.settle(second * SECOND)

    assert high == pytest.approx(0.9)
    assert device.view().recent.load is None


def test_a_server_that_is_gone_has_no_load() -> None:
    device = Device("system")
    device.see_server(SERVER, [])
    device.see_server(replace(SERVER, state="absent"), [])

    assert device.view().load is None


def test_one_dropout_seen_by_all_observers_is_one_dropout() -> None:
    device = Device("system")
    stream = device.open_stream(STREAM)
    stream.fold([record(n) for n in (*range(20), 24, 25)], [])
    stream.fold([record(26, flags=6)], [])
    stream.fold([record(n) for n in range(27, 40)], [])
    device.see_server(SERVER, [Observation("jack", "xrun", 25 * DEADLINE_NS, 25 * DEADLINE_NS)])
    device.settle(100 * SECOND)
    view = device.view()

    assert view.dropouts == 1
    assert view.lost_buffers == 4
    assert view.observations == {
        ("gap", "lost"): 1,
        ("gap", "stalled"): 0,
        ("jack", "shutdown"): 0,
        ("jack", "xrun"): 1,
        ("portaudio", "input_overflow"): 1,
        ("portaudio", "input_underflow"): 0,
        ("portaudio", "output_overflow"): 0,
        ("portaudio", "output_underflow"): 1,
    }


def test_a_gap_that_was_not_certain_when_its_stream_ended_is_counted() -> None:
    device = Device("system")
    stream = device.open_stream(STREAM)
    stream.fold([record(n) for n in (*range(20), 50, 51, 52)], [])
    open_still = device.view().lost_buffers
    stream.close()
    device.settle(100 * SECOND)

    assert (open_still, device.view().lost_buffers, device.view().dropouts) == (0, 30, 1)


def test_records_that_the_agent_was_too_slow_to_read_are_no_loss_of_the_devices() -> None:
    device = Device("system")
    stream = device.open_stream(STREAM)
    stream.fold([record(n) for n in range(20)], [])
    stream.skip()
    stream.fold([record(n) for n in range(70_000, 70_040)], [])
    stream.close()
    device.settle(2**62)

    assert (device.view().lost_buffers, device.view().dropouts) == (0, 0)


def test_a_stalled_stream_is_a_dropout() -> None:
    device = Device("system")
    device.open_stream(STREAM).stalled(SECOND, 2 * SECOND)
    device.settle(100 * SECOND)

    assert device.view().dropouts == 1
    assert device.view().observations["gap", "stalled"] == 1


def test_counters_and_histograms_survive_their_stream_and_levels_do_not() -> None:
    device = Device("system")
    stream = device.open_stream(STREAM)
    stream.fold([record(0), record(1), record(2)], [level_record(1).pack(256, 0.01, 1.0, 1.0, 7, 0)])
    during = device.view()
    stream.close()
    after = device.view()
    device.open_stream(STREAM._replace(channels=2)).fold([record(0), record(1), record(2)], [])

    assert (during.levels[0].peak, stream.load) == (1.0, 0.01)
    assert (after.levels, after.clipped) == ((), (7,))
    assert device.view().clipped == (7, 0)
    assert sum(device.view().interval.counts) == 2


def test_a_callback_of_ours_that_misses_its_deadline_is_no_fault_of_the_devices() -> None:
    device = Device("system")
    stream = device.open_stream(STREAM)
    late = BUFFER_RECORD.pack(20 * DEADLINE_NS / SECOND, int(22.5 * DEADLINE_NS), 0, 256, 0)
    stream.fold([*(record(n) for n in range(20)), late, *(record(n) for n in range(23, 40))], [])
    view = device.view()

    assert view.own_misses == 1
    assert view.late_buffers == 0
    assert view.wakeup_delay.sum == pytest.approx(2.5 * 256 / 48000, rel=0.01)


@pytest.mark.parametrize("frames", [32, 64, 128, 256, 512, 1024, 2048])
@pytest.mark.parametrize("rate", [44_100, 48_000, 88_200, 96_000, 176_400, 192_000])
def test_the_bounds_tell_on_time_from_half_as_late_again(frames: int, rate: int) -> None:
    deadline = frames / rate
    bucket = next(n for n, bound in enumerate(INTERVAL_BOUNDS) if deadline <= bound)

    assert INTERVAL_BOUNDS[bucket - 1] < 0.95 * deadline
    assert 1.1 * deadline < INTERVAL_BOUNDS[bucket] < 1.5 * deadline
    assert bucket > 0


def test_a_jitter_of_one_frame_is_exact_at_any_rate() -> None:
    assert JITTER_BOUNDS[0] > 1 / 44_100


def test_nothing_of_a_freewheeling_server_is_counted() -> None:
    device = Device("system")
    device.see_server(SERVER, [])
    device.freewheel(10 * SECOND, 11 * SECOND)
    device.see_server(
        SERVER, [Observation("jack", "xrun", at, at + SECOND // 10) for at in (9_950_000_000, 10 * SECOND)]
    )
    during = device.view()
    device.freewheel(0, 12 * SECOND)
    device.observe(Observation("gap", "lost", 9 * SECOND, 11 * SECOND, SECOND))
    device.settle(20 * SECOND)

    assert (during.freewheeling, during.load, during.cycle_ns) == (True, None, 11 * SECOND)
    assert not device.view().freewheeling
    assert sum(device.view().observations.values()) == device.view().dropouts == 0

    device.observe(Observation("jack", "xrun", 21 * SECOND, 21 * SECOND))
    device.settle(30 * SECOND)

    assert device.view().dropouts == 1


def test_levels_and_timing_start_again_after_freewheeling() -> None:
    device = Device("system")
    stream = device.open_stream(STREAM)
    stream.fold([record(index) for index in range(10)], [level_record(1).pack(48_000, 0.01, 0.5, 1.0, 0, 0)])
    intervals = sum(device.view().interval.counts)
    stream.pause()

    assert device.view().levels == ()

    stream.fold([record(index) for index in (500, 501)], [])
    stream.close()

    assert sum(device.view().interval.counts) == intervals
    assert device.view().lost_buffers == 0


def test_a_device_is_the_same_one_as_long_as_it_is_known() -> None:
    devices = Devices()

    assert devices.named("system") is devices.named("system")
    assert [device.name for device in devices] == ["system"]


def test_of_very_many_devices_those_that_were_asked_for_last_are_kept() -> None:
    devices = Devices()
    for number in range(2 * MOST_DEVICES):
        devices.named("system")
        devices.named(f"usb {number}")
    names = [device.name for device in devices]

    assert len(names) == MOST_DEVICES
    assert {"system", f"usb {2 * MOST_DEVICES - 1}"} <= set(names)
    assert "usb 0" not in names
