"""Live samples, from the collectors' views."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.live.observer import COLLECTORS, Observer
from agent.live.push import PushView
from agent.live.sample import ChannelNow, DevicePoint, HostNow, LogNow, PluginNow, Point, PushNow, Timing
from collectors.audio.device import Device
from collectors.audio.levels import ChannelLevel
from collectors.audio.view import AudioView
from collectors.host.view import HostView
from collectors.logs.families import Progress
from collectors.metrics import HistogramValue
from collectors.plugins.view import PluginView

NOW_NS = 10**12


EMPTY = Device("usb").view()


def audio(dropouts: int, jitters: tuple[int, int, int]) -> AudioView:
    view = replace(
        EMPTY,
        observers=(("jack", "JACK"),),
        probed=True,
        cycle_ns=NOW_NS,
        rate=48000.0,
        frames=256,
        load=0.123456,
        jitter=HistogramValue((0.001, 0.01), jitters, 0.0),
        lost_buffers=7,
        late_buffers=3,
        dropouts=dropouts,
        levels=(ChannelLevel(0.5, 0.35, 0.0), ChannelLevel(0.0, 0.0, 9.0)),
    )
    return AudioView((view,), (), NOW_NS)


def host(idle: float, busy: float, waited: float) -> HostView:
    return HostView(
        cpu_seconds=idle + busy,
        idle_seconds=idle,
        memory=0.75,
        cpu_wait_seconds=waited,
        memory_wait_seconds=None,
        io_wait_seconds=None,
        load1=1.5,
        disk="/",
        disk_used=0.7,
    )


def plugins(buffers: tuple[int, int, int], total: float) -> tuple[PluginView, ...]:
    return (PluginView("reverb", 1, 2, HistogramValue((0.001, 0.01), buffers, total), 0.005, 4.0),)


def logs(lines: int) -> tuple[Progress, ...]:
    return (Progress("engine", lines, 0, 4096, 2.5),)


def looked(observer: Observer, collector: str, view: object, at: float) -> None:
    observer.look(frozenset({collector}), {collector: view}, at)


def test_a_device_has_its_settings_and_what_changed() -> None:
    observer = Observer()

    looked(observer, "audio", audio(2, (100, 0, 0)), 10.0)
    (first,) = observer.sample.devices
    looked(observer, "audio", audio(5, (150, 49, 1)), 11.0)
    (device,) = observer.sample.devices

    assert (first.timing, first.new_dropouts, first.dropouts) == (None, 0, 2)
    assert (device.name, device.up, device.observers) == ("usb", True, ["jack"])
    assert (device.rate, device.frames, device.deadline, device.load) == (48000.0, 256.0, 256 / 48000, 0.1235)
    assert (device.dropouts, device.new_dropouts, device.lost, device.late) == (5, 3, 7, 3)
    assert device.timing == Timing(buffers=100, median=0.001, p99=0.01, worst=0.01)
    assert device.channels == [ChannelNow("1", 0.5, 0.35, 0.0), ChannelNow("2", 0.0, 0.0, 9.0)]


def test_a_device_whose_server_exports_is_freewheeling() -> None:
    observer = Observer()
    (device,) = audio(0, (1, 0, 0)).devices
    looked(observer, "audio", AudioView((replace(device, freewheeling=True, load=None),), (), NOW_NS), 0.0)

    assert [(device.up, device.freewheeling, device.load) for device in observer.sample.devices] == [(True, True, None)]


def test_dropouts_of_a_device_that_appears_are_new() -> None:
    observer = Observer()
    looked(observer, "audio", AudioView((), (), NOW_NS), 0.0)
    looked(observer, "audio", audio(2, (1, 0, 0)), 10.0)

    assert [device.new_dropouts for device in observer.sample.devices] == [2]


def test_two_looks_within_a_second_cover_the_same_span() -> None:
    observer = Observer()
    for at, dropouts in ((10.0, 2), (20.0, 5), (20.1, 6)):
        looked(observer, "audio", audio(dropouts, (int(at * 10), 0, 0)), at)

    (device,) = observer.sample.devices
    assert (device.new_dropouts, device.timing and device.timing.buffers) == (4, 101)


def test_the_machine_is_as_busy_as_it_was_since_the_last_look() -> None:
    observer = Observer()
    looked(observer, "host", host(idle=100, busy=50, waited=1), 0.0)
    looked(observer, "host", host(idle=103, busy=51, waited=3), 4.0)

    assert observer.sample.host == HostNow(cpu=0.25, memory=0.75, cpu_pressure=0.5, load1=1.5, disk="/", disk_used=0.7)


def test_a_plugin_is_all_of_its_instances() -> None:
    observer = Observer()
    looked(observer, "plugins", plugins((100, 0, 0), 0.05), 0.0)
    looked(observer, "plugins", plugins((100, 10, 0), 0.09), 5.0)

    expected = PluginNow(name="reverb", up=1, instances=2, render=0.004, p99=0.00991, deadline=0.005, xruns=4)
    assert observer.sample.plugins == [expected]


def test_a_plugin_that_was_not_polled_between_two_looks_has_its_last_minute() -> None:
    observer = Observer()
    (view,) = plugins((100, 10, 0), 0.09)
    minute = replace(view, recent=HistogramValue((0.001, 0.01), (0, 10, 0), 0.04))
    looked(observer, "plugins", (view,), 0.0)
    looked(observer, "plugins", (minute,), 1.0)

    assert observer.sample.plugins[0].render == 0.004


def test_a_source_of_logs_has_its_speed_and_its_lag() -> None:
    observer = Observer()
    looked(observer, "logs", logs(100), 0.0)
    assert observer.sample.logs == [LogNow("engine", None, 4096.0, 2.5)]
    looked(observer, "logs", logs(150), 5.0)
    assert observer.sample.logs == [LogNow("engine", 10.0, 4096.0, 2.5)]


def test_what_is_not_asked_stays_and_what_does_not_answer_goes() -> None:
    observer = Observer()
    looked(observer, "logs", logs(100), 0.0)
    looked(observer, "audio", audio(1, (1, 0, 0)), 0.0)

    observer.look(frozenset({"audio"}), {}, 1.0)
    assert (len(observer.sample.devices), len(observer.sample.logs)) == (0, 1)
    observer.look(COLLECTORS, {}, 2.0)
    assert (observer.sample.logs, observer.sample.host) == ([], HostNow())


def test_a_collector_that_comes_back_is_not_compared_with_what_it_was() -> None:
    observer = Observer()
    looked(observer, "audio", audio(10, (100, 0, 0)), 0.0)
    observer.look(frozenset({"audio"}), {}, 1.0)
    looked(observer, "audio", audio(30, (900, 0, 0)), 60.0)

    (device,) = observer.sample.devices
    assert (device.new_dropouts, device.timing) == (0, None)


def test_invalid_values_of_one_collector_leave_the_others() -> None:
    observer = Observer()

    observer.look(COLLECTORS, {"plugins": "no view", "logs": logs(1)}, 5.0)

    assert observer.sample.plugins == []
    assert len(observer.sample.logs) == 1


def test_a_device_that_is_down_or_was_never_seen_shows_no_settings() -> None:
    observer = Observer()
    frozen = replace(EMPTY, cycle_ns=1, rate=48000.0, frames=256, dropouts=2)

    looked(observer, "audio", AudioView((frozen,), ("front",), NOW_NS), 0.0)

    assert [(it.name, it.up, it.rate, it.dropouts) for it in observer.sample.devices] == [
        ("front", False, None, 0),
        ("usb", False, None, 2),
    ]


def test_a_point_keeps_part_of_a_sample() -> None:
    observer = Observer()
    looked(observer, "audio", audio(2, (100, 0, 0)), 0.0)
    looked(observer, "audio", audio(3, (200, 0, 0)), 10.0)

    point = Point.of(observer.sample)

    assert point.time == pytest.approx(observer.sample.time)
    assert point.devices == {"usb": DevicePoint(1, 0.0005, 0.00099, 0.001, 0.1235)}


def test_the_push_is_that_of_the_last_view() -> None:
    def view(sent: int) -> PushView:
        return PushView("http://r", "", sent, 1, 2, queue_bytes=4096, queue_seconds=30.0, lag_seconds=15.04)

    observer = Observer()
    observer.look(frozenset({"remote_write"}), {"remote_write": view(1000)}, 10.0)
    observer.look(frozenset({"remote_write"}), {"remote_write": view(1200)}, 12.0)

    assert observer.sample.push == PushNow(
        url="http://r",
        problem="",
        sent=1200,
        queue_bytes=4096.0,
        queue_seconds=30.0,
        lag_seconds=15.0,
        refused=1,
        dropped=2,
    )
    observer.look(frozenset({"remote_write"}), {}, 13.0)
    assert observer.sample.push is None
