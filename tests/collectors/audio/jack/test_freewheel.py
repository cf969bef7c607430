from __future__ import annotations

import ctypes
import time

import pytest

from collectors.audio.jack.freewheel import GRACE_NS, Freewheel, FreewheelNotice, keeps_real_time

SECOND = 1_000_000_000


class Server:
    """A server that calls the notification as libjack does."""

    def __init__(self, *, realtime: bool = True) -> None:
        self.notice = FreewheelNotice()
        self.realtime = realtime
        self.freewheel = Freewheel(self.notice, lambda: self.realtime, time.monotonic_ns())

    def notify(self, *, starting: bool) -> None:
        function, argument = self.notice.callback
        ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_void_p)(function.value)(int(starting), argument)  # type: ignore[arg-type] # an address


def test_the_notification_has_its_own_time_and_direction() -> None:
    server = Server()

    assert (server.notice.started_ns(), server.notice.value) == (0, 0)

    before = time.monotonic_ns()
    server.notify(starting=True)

    assert before <= server.notice.started_ns() <= time.monotonic_ns()

    before = time.time_ns()
    server.notify(starting=False)

    assert server.notice.started_ns() == 0
    assert server.notice.value >= before - SECOND


@pytest.mark.parametrize("realtime", [True, False])
def test_a_period_lasts_from_the_notification_of_its_start_to_the_grace_time_after_its_end(*, realtime: bool) -> None:
    server = Server(realtime=realtime)

    assert server.freewheel.since_ns(time.monotonic_ns()) == 0

    server.notify(starting=True)
    started = server.notice.started_ns()

    assert server.freewheel.since_ns(time.monotonic_ns()) == started

    server.notify(starting=False)
    now = time.monotonic_ns()

    assert server.freewheel.since_ns(now) == started
    assert server.freewheel.since_ns(now + 2 * GRACE_NS) == 0


def test_without_a_notification_the_scheduling_shows_it() -> None:
    server = Server()
    server.realtime = False
    now = time.monotonic_ns()

    assert 0 < server.freewheel.since_ns(now) <= now

    server.realtime = True

    assert server.freewheel.since_ns(now + 2 * GRACE_NS) == 0


def test_a_period_between_two_looks_is_known_by_its_end() -> None:
    server = Server(realtime=False)
    looked = time.monotonic_ns()
    server.freewheel.look(looked)
    time.sleep(0.01)
    server.notify(starting=True)
    server.notify(starting=False)

    assert server.freewheel.since_ns(time.monotonic_ns()) == looked


@pytest.mark.parametrize(
    ("frames_a_second", "real_time"),
    [(48_000, True), (40_000, True), (55_000, True), (10_000, False), (400_000, False), (0, False)],
)
def test_the_pace_shows_real_time(monkeypatch: pytest.MonkeyPatch, frames_a_second: int, *, real_time: bool) -> None:
    seconds = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: seconds)

    def wait(more: float) -> None:
        nonlocal seconds
        seconds += more

    def frame_time() -> int:
        return (2**32 - 1000 + int((seconds - 100) * frames_a_second)) % 2**32

    assert keeps_real_time(48_000.0, 256, frame_time, wait) is real_time


def test_a_time_of_day_that_is_set_back_is_no_export(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(realtime=False)
    server.notify(starting=True)
    server.freewheel.look(time.monotonic_ns())
    server.notify(starting=False)
    server.freewheel.look(time.monotonic_ns())
    hour_ago = time.time_ns() - 3600 * SECOND
    monkeypatch.setattr(time, "time_ns", lambda: hour_ago)

    assert server.freewheel.since_ns(time.monotonic_ns() + 2 * GRACE_NS) == 0
