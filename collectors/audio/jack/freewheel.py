"""The detection of JACK's freewheeling, in which an export runs the graph as fast as it can.

Three sources show it. libjack calls active clients when it starts and ends, with JACK 2 before the first such cycle.
A real-time JACK 2 server, and PipeWire since 0.3.70, report no real-time scheduling for its duration. A client that
connects meanwhile can compare the server's pace with the clock, which also works with `jackd -r`.

A client with a process callback that starts or vanishes meanwhile stalls JACK 2. `JackClient::SetupDriverSync` is
called only for clients that are active at the start. Measured with 1.9.21: the export stops, and switching freewheeling
off takes 5 to 9 s. A client without a process callback does no harm, nor does a clean close.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable

GRACE_NS = 1_000_000_000
"""The time after the end in which nothing is judged or restarted, because the driver starts again."""

_PACE_SECONDS = 0.25
_PACE_CYCLES = 8
_FRAME_TIMES = 2**32
_PACE_BOUNDS = 0.75, 1.25
"""The pace of a server in real time, as a ratio. A busy server loses cycles."""


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class FreewheelNotice:
    """libjack's notification of start and end, received without Python code in libjack's threads.

    libjack calls `callback(int starting, void *arg)`. The C library's `clock_gettime(clockid_t, struct timespec *)` has
    the same signature. `starting` is 1 or 0, the numbers of CLOCK_MONOTONIC and CLOCK_REALTIME. So the call stores its
    own time, and the clock of that time shows the direction.
    """

    def __init__(self) -> None:
        self._time = _Timespec()
        self._c = ctypes.CDLL(None)

    @property
    def callback(self) -> tuple[ctypes.c_void_p, ctypes.c_void_p]:
        """The C function to call, and its argument."""
        function = ctypes.cast(self._c.clock_gettime, ctypes.c_void_p)
        return function, ctypes.cast(ctypes.pointer(self._time), ctypes.c_void_p)

    @property
    def value(self) -> int:
        """The time of the last notification in nanoseconds of its own clock; 0 before the first."""
        return int(self._time.seconds) * 1_000_000_000 + int(self._time.nanoseconds)

    def started_ns(self) -> int:
        """Return the monotonic time of the start; 0 if the last notification was an end, or there was none."""
        value = self.value
        is_monotonic = abs(value - time.monotonic_ns()) < abs(value - time.time_ns())
        return value if value and is_monotonic else 0


class Freewheel:
    """The freewheeling of one connection's server.

    Args:
        notice: The notification.
        is_realtime: Function that returns whether the server schedules in real time now.
        now_ns: Monotonic time.
    """

    def __init__(self, notice: FreewheelNotice, is_realtime: Callable[[], bool], now_ns: int) -> None:
        self._notice = notice
        self._is_realtime = is_realtime
        self._realtime_server = is_realtime()
        self._looked_ns = now_ns
        self._value = notice.value
        self._since_ns = 0
        self._until_ns = 0

    def look(self, now_ns: int) -> None:
        """Update the period. Call it regularly."""
        notified = self._notice.value != self._value
        self._value = self._notice.value
        if self._is_on() or notified:  # a new notification of an end: it may have begun since the last look
            if now_ns >= self._until_ns:
                self._since_ns = self._notice.started_ns() or self._looked_ns
            self._until_ns = now_ns + GRACE_NS
        self._looked_ns = now_ns

    def since_ns(self, now_ns: int) -> int:
        """Return the monotonic start of the period, which includes `GRACE_NS` after the end; 0 outside a period."""
        self.look(now_ns)
        return self._since_ns if now_ns < self._until_ns else 0

    def _is_on(self) -> bool:
        return bool(self._notice.started_ns()) or (self._realtime_server and not self._is_realtime())


def keeps_real_time(rate: float, block: int, frame_time: Callable[[], int], wait: Callable[[float], object]) -> bool:
    """Return whether the server's pace is that of real time.

    Args:
        rate: Frames a second.
        block: Frames a cycle.
        frame_time: Function that returns the start of the server's last cycle in frames.
        wait: Function that sleeps for some seconds.
    """
    frames, began = frame_time(), time.monotonic()
    wait(max(_PACE_SECONDS, _PACE_CYCLES * block / rate))
    ratio = ((frame_time() - frames) % _FRAME_TIMES) / (rate * (time.monotonic() - began))
    slowest, fastest = _PACE_BOUNDS
    return slowest <= ratio <= fastest
