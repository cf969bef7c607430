"""Moments, from families as the collectors export them."""

from __future__ import annotations

import pytest

from agent.live.observer import COLLECTORS, Observer, readings
from agent.live.sample import ChannelNow, DevicePoint, HostNow, LogNow, PluginNow, Point, Timing
from collectors.metrics import Family, HistogramValue, counter, gauge, histogram

NOTHING_ELSE = "nothing_else_value"


def audio(dropouts: int, jitters: tuple[int, int, int]) -> list[Family]:
    return [
        gauge("audio_device_up", "U.", {("usb",): 1.0}, ("device",)),
        gauge("audio_device_info", "I.", {("usb", "JACK", "jack"): 1.0}, ("device", "host_api", "observer")),
        gauge("audio_device_sample_rate_hertz", "R.", {("usb",): 48000.0}, ("device",)),
        gauge("audio_device_buffer_frames", "F.", {("usb",): 256.0}, ("device",)),
        gauge("audio_device_buffer_duration_seconds", "D.", {("usb",): 0.0053}, ("device",)),
        gauge("audio_device_dsp_load_ratio", "L.", {("usb",): 0.123456}, ("device",)),
        counter("audio_device_lost_buffers_total", "L.", {("usb",): 7.0}, ("device",)),
        counter("audio_device_late_buffers_total", "L.", {("usb",): 3.0}, ("device",)),
        counter("audio_engine_xruns_total", "X.", {("device", "usb"): float(dropouts)}, ("source", "device")),
        histogram(
            "audio_device_buffer_jitter_seconds",
            "J.",
            {("usb",): HistogramValue((0.001, 0.01), jitters, 0.0)},
            ("device",),
        ),
        gauge("audio_channel_peak_ratio", "P.", {("usb", "1"): 0.5, ("usb", "2"): 0.0}, ("device", "channel")),
        gauge("audio_channel_rms_ratio", "R.", {("usb", "1"): 0.35, ("usb", "2"): 0.0}, ("device", "channel")),
        gauge("audio_channel_silent_seconds", "S.", {("usb", "1"): 0.0, ("usb", "2"): 9.0}, ("device", "channel")),
    ]


def host(idle: float, busy: float, waited: float) -> list[Family]:
    labels = ("device", "mountpoint", "fstype")
    files = {"disk": ("/dev/a", "/", "ext4"), "image": ("/dev/b", "/snap", "squashfs")}
    return [
        counter("node_cpu_seconds_total", "C.", {("0", "idle"): idle, ("0", "user"): busy}, ("cpu", "mode")),
        counter("node_pressure_cpu_waiting_seconds_total", "P.", waited),
        gauge("node_memory_MemTotal_bytes", "M.", 1000.0),
        gauge("node_memory_MemAvailable_bytes", "M.", 250.0),
        gauge("node_load1", "L.", 1.5),
        gauge("node_filesystem_size_bytes", "S.", {files["disk"]: 100.0, files["image"]: 50.0}, labels),
        gauge("node_filesystem_avail_bytes", "A.", {files["disk"]: 30.0, files["image"]: 0.0}, labels),
        gauge("node_filesystem_readonly", "R.", {files["disk"]: 0.0, files["image"]: 1.0}, labels),
    ]


def plugins(buffers: tuple[int, int, int], total: float) -> list[Family]:
    instances = ("plugin", "plugin_instance")
    return [
        gauge("wr_agent_plugin_up", "U.", {("reverb", "1"): 1.0, ("reverb", "2"): 0.0}, instances),
        histogram(
            "audio_engine_render_time_seconds",
            "R.",
            {("reverb",): HistogramValue((0.001, 0.01), buffers, total)},
            ("plugin",),
        ),
        gauge("audio_engine_buffer_duration_seconds", "D.", {("reverb", "1"): 0.01, ("reverb", "2"): 0.005}, instances),
        counter("audio_engine_xruns_total", "X.", {("engine", "reverb"): 4.0}, ("source", "plugin")),
    ]


def logs(lines: int) -> list[Family]:
    return [
        counter("wr_agent_log_read_lines_total", "L.", {("engine",): float(lines)}, ("source",)),
        gauge("wr_agent_log_lag_bytes", "B.", {("engine",): 4096.0}, ("source",)),
        gauge("wr_agent_log_lag_seconds", "S.", {("engine",): 2.5}, ("source",)),
    ]


def looked(observer: Observer, collector: str, families: list[Family], at: float) -> None:
    observer.look(frozenset({collector}), readings([(collector, families)], at))


def test_a_device_has_its_settings_and_what_changed() -> None:
    observer = Observer()

    looked(observer, "audio", audio(2, (100, 0, 0)), 10.0)
    (first,) = observer.sample.devices
    looked(observer, "audio", audio(5, (150, 49, 1)), 11.0)
    (device,) = observer.sample.devices

    assert (first.timing, first.new_dropouts, first.dropouts) == (None, 0, 2)
    assert (device.name, device.up, device.observers) == ("usb", True, ["jack"])
    assert (device.rate, device.frames, device.deadline, device.load) == (48000.0, 256.0, 0.0053, 0.1235)
    assert (device.dropouts, device.new_dropouts, device.lost, device.late) == (5, 3, 7, 3)
    assert device.timing == Timing(buffers=100, median=0.001, p99=0.01, worst=0.01)
    assert device.channels == [ChannelNow("1", 0.5, 0.35, 0.0), ChannelNow("2", 0.0, 0.0, 9.0)]


def test_dropouts_of_a_device_that_appears_are_new() -> None:
    observer = Observer()
    looked(observer, "audio", [], 0.0)
    looked(observer, "audio", audio(2, (1, 0, 0)), 10.0)

    assert [device.new_dropouts for device in observer.sample.devices] == [2]


def test_two_looks_in_a_moment_tell_of_the_same_stretch() -> None:
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

    observer.look(frozenset({"audio"}), {})
    assert (len(observer.sample.devices), len(observer.sample.logs)) == (0, 1)
    observer.look(COLLECTORS, {})
    assert (observer.sample.logs, observer.sample.host) == ([], HostNow())


def test_a_collector_that_comes_back_is_not_compared_with_what_it_was() -> None:
    observer = Observer()
    looked(observer, "audio", audio(10, (100, 0, 0)), 0.0)
    observer.look(frozenset({"audio"}), {})
    looked(observer, "audio", audio(30, (900, 0, 0)), 60.0)

    (device,) = observer.sample.devices
    assert (device.new_dropouts, device.timing) == (0, None)


def test_what_a_plugin_says_costs_nothing_but_itself() -> None:
    observer = Observer()
    xruns = counter("audio_engine_xruns_total", "X.", {("engine", "reverb"): float("inf")}, ("source", "plugin"))
    unlabelled = gauge("wr_agent_plugin_up", "U.", 1.0)

    looked(observer, "plugins", [*plugins((1, 0, 0), 0.1)[:3], xruns], 0.0)
    assert [plugin.xruns for plugin in observer.sample.plugins] == [None]
    observer.look(COLLECTORS, readings([("plugins", [unlabelled]), ("logs", logs(1))], 5.0))
    assert observer.sample.plugins == []
    assert len(observer.sample.logs) == 1


def test_what_nobody_shows_is_not_kept() -> None:
    (reading,) = readings([("plugins", [gauge(NOTHING_ELSE, "N.", 1.0), *plugins((1, 0, 0), 0.1)])], 0.0).values()

    assert reading.number(NOTHING_ELSE) is None
    assert reading.numbers("wr_agent_plugin_up") == [1.0, 0.0]


def test_a_point_is_what_is_left_of_a_moment() -> None:
    observer = Observer()
    looked(observer, "audio", audio(2, (100, 0, 0)), 0.0)
    looked(observer, "audio", audio(3, (200, 0, 0)), 10.0)

    point = Point.of(observer.sample)

    assert point.time == pytest.approx(observer.sample.time)
    assert point.devices == {"usb": DevicePoint(1, 0.0005, 0.00099, 0.001, 0.1235)}
