from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from collectors.audio.probe.clock import CycleClock, portaudio_clock


class Function:
    """A function of libjack with a constant result; ctypes sets its types."""

    def __init__(self, answer: int | None) -> None:
        self.answer: int | Callable[[], int] | None = answer
        self.called_with: list[object] = []

    def __call__(self, *arguments: object) -> int | None:
        self.called_with += arguments
        return self.answer() if callable(self.answer) else self.answer


def libjack(
    monkeypatch: pytest.MonkeyPatch, client: int | None = 1, cycle: int = 512, frames: int = 0, *, realtime: bool = True
) -> SimpleNamespace:
    functions = SimpleNamespace(
        jack_client_close=Function(0),
        jack_free=Function(None),
        jack_get_ports=Function(None),
        jack_client_open=Function(client),
        jack_get_buffer_size=Function(16),
        jack_get_sample_rate=Function(48_000),
        jack_is_realtime=Function(int(realtime)),
        jack_last_frame_time=Function(cycle),
        jack_frames_since_cycle_start=Function(frames),
    )
    monkeypatch.setattr(ctypes, "PyDLL", lambda _name: functions)
    return functions


def test_a_cycle_began_as_many_frames_ago_as_jack_says(monkeypatch: pytest.MonkeyPatch) -> None:
    libjack(monkeypatch, cycle=512, frames=480)
    device_seconds, monotonic_ns, cycle = CycleClock()({"current_time": 3.0})

    assert device_seconds == pytest.approx(monotonic_ns / 1e9 - 0.01, abs=1e-9)
    assert monotonic_ns == pytest.approx(time.monotonic_ns(), abs=10e9)
    assert cycle == 512


def test_a_jack_that_does_not_tell_its_cycle_leaves_portaudios_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    libjack(monkeypatch, cycle=0)
    device_seconds, _, cycle = CycleClock()({"current_time": 3.0})

    assert (device_seconds, cycle) == (3.0, 0)


def test_a_server_stops_scheduling_in_real_time_while_it_freewheels(monkeypatch: pytest.MonkeyPatch) -> None:
    functions = libjack(monkeypatch)
    clock = CycleClock()

    assert clock.is_regular()
    assert not clock.freewheels()

    functions.jack_is_realtime.answer = 0

    assert clock.freewheels()


@pytest.mark.parametrize(("frames_a_second", "regular"), [(48_000, True), (480_000, False), (0, False)])
def test_a_server_without_real_time_scheduling_is_judged_by_its_pace(
    monkeypatch: pytest.MonkeyPatch,
    frames_a_second: int,
    regular: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    functions = libjack(monkeypatch, realtime=False)
    seconds = iter([1.0, 1.25])
    functions.jack_last_frame_time.answer = lambda: int(next(seconds) * frames_a_second)
    monotonic = iter([1.0, 1.25])
    monkeypatch.setattr(time, "monotonic", lambda: next(monotonic))
    monkeypatch.setattr(time, "sleep", lambda _: None)
    clock = CycleClock()

    assert clock.is_regular() is regular
    assert not clock.freewheels()


def test_a_server_that_takes_no_client_has_no_cycle_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    libjack(monkeypatch, client=None)
    with pytest.raises(OSError, match="accepts no further client"):
        CycleClock()


def test_its_client_leaves_the_server_when_it_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    functions = libjack(monkeypatch, client=7)
    CycleClock().close()

    assert functions.jack_client_close.called_with == [7]


def test_portaudios_clock_knows_no_cycle() -> None:
    device_seconds, monotonic_ns, cycle = portaudio_clock({"current_time": 2.5})

    assert (device_seconds, cycle) == (2.5, 0)
    assert monotonic_ns > 0
