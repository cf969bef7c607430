"""Intervals of buffers from the probe's records, and the cause of a late one: the server or the probe.

Pure; one `StreamTiming` for each stream. On JACK, a record has the number and the start of the server's cycle. They
give the probe's own delay and the cycles that it missed.

Elsewhere there are two clocks. The device's clock is stamped in C before the callback waits for the GIL; the monotonic
clock is read in the callback. The device's clock is finer but can be wrong: NTP may step a wall clock, and a count of
frames wraps. While it is trusted, the difference of the two beyond its usual value is the probe's delay.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

from collectors.audio.probe.protocol import BUFFER_RECORD

_SECOND_NS = 1_000_000_000
_WINDOW = 16
_LATE = 1.5
_CAUGHT_UP = 0.5
_SETTLED_AFTER = 8
_QUEUED = 4
_SUSPECTED_NS = 250_000_000
_CYCLES = 2**32
_DRIFT = 500e-6
"""An upper bound of the drift between the clocks of a sound card and a computer, as a ratio."""


class Buffer(NamedTuple):
    """One callback, with the fields of `protocol.BUFFER_RECORD`."""

    device_seconds: float
    monotonic_ns: int
    flags: int
    frames: int
    cycle: int = 0

    @classmethod
    def unpack(cls, record: bytes) -> Buffer:
        """Return the buffer of a record."""
        return cls._make(BUFFER_RECORD.unpack(record))


@dataclass(frozen=True, slots=True)
class Gap:
    """A time in which buffers were lost.

    Attributes:
        start_ns: Monotonic time of the last buffer before it.
        end_ns: Monotonic time of the first buffer after it.
        lost: Number of lost buffers; at least 1.
        seconds: Duration of the lost buffers.
    """

    start_ns: int
    end_ns: int
    lost: int
    seconds: float


class Span(NamedTuple):
    """The time from one buffer to the next, on the better clock.

    Attributes:
        interval: Seconds from buffer to buffer as the server delivered them.
        delivered: The part of it that the server caused, in seconds.
        excess: Seconds beyond the duration of the delivered buffers; negative while the server catches up.
        silence: The part of that which is too long for queued buffers, so that catching up cannot fill it. Known only
            of a server that numbers its cycles.
        delay: Delay of the probe's callback in seconds; None if unknown.
        missed: Buffers that the server delivered between the two and the probe missed.
    """

    interval: float
    delivered: float
    excess: float
    silence: float
    delay: float | None
    missed: int


class Cycle(NamedTuple):
    """A span and its verdict.

    Attributes:
        span: The time from the buffer before.
        deadline: Duration of a buffer in seconds.
        gap: A gap that became certain now; it may lie a few buffers back.
        late: Number of buffers now known to be late but not lost.
    """

    span: Span
    deadline: float
    gap: Gap | None
    late: int

    @property
    def jitter(self) -> float:
        """The absolute difference between interval and deadline, in seconds."""
        return abs(self.span.interval - self.deadline)

    @property
    def is_own_miss(self) -> bool:
        """True if the probe's own delay was a whole buffer or more."""
        return self.span.missed > 0 or (self.span.delay or 0) > self.deadline


class StreamTiming:
    """The timing of one stream, fed with its buffers in order.

    Args:
        rate: Frames a second.
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._buffers: deque[Buffer] = deque(maxlen=3)
        self._clocks = _ClockPair()
        self._gaps = _GapFinder()

    def fold(self, buffer: Buffer) -> Cycle | None:
        """Return the cycle that ended with the buffer before this one; None for the first two.

        The next buffer shows why the two clocks differed. The probe's own delay is caught up at once, a wrong device
        clock stays wrong.
        """
        if self._buffers and 0 < buffer.cycle == self._buffers[-1].cycle:
            self._buffers.append(_of_the_cycle_before(self._buffers.pop()))
        self._buffers.append(buffer)
        if len(self._buffers) > 1 and not buffer.cycle:
            self._clocks.advance(self._buffers[-2], buffer, buffer.frames / self._rate)
        return self._cycle(*self._buffers) if len(self._buffers) == self._buffers.maxlen else None

    def finish(self) -> Gap | None:
        """Return the gap that was still uncertain at the end of the stream."""
        gap, _ = self._gaps.finish()
        return gap

    def _cycle(self, first: Buffer, last: Buffer, following: Buffer) -> Cycle:
        deadline = last.frames / self._rate
        counted = first.cycle and last.cycle
        span = _server_span(first, last, following, deadline) if counted else self._clocks.span(first, last, deadline)
        gap, late = self._gaps.fold(first.monotonic_ns, last.monotonic_ns, span, deadline)
        return Cycle(span, deadline, gap, late)


def _of_the_cycle_before(buffer: Buffer) -> Buffer:
    """Return the buffer with the cycle before its stamp's, because the next cycle began before the stamp was read.

    After a freeze JACK runs two cycles without a pause between them.
    """
    return buffer._replace(cycle=(buffer.cycle - buffer.frames) % _CYCLES)


def _server_span(first: Buffer, last: Buffer, following: Buffer, deadline: float) -> Span:
    """Return the span between two buffers whose cycles the server numbers by frames.

    JACK 2 increments the number by one buffer a cycle and by nothing else (`JackFrameTimer::IncFrameTimeAux`, the same
    from 1.9.10 to 1.9.22). JACK 1 adds frames that it did not run when it was late, more than the time allows.
    """
    interval = last.device_seconds - first.device_seconds
    ran = round((last.cycle - first.cycle) % _CYCLES / last.frames)
    if ran > round(interval / deadline) + 1:
        ran = 1
    missed = max(ran - 1, 0)
    lasted = (1 + missed) * deadline
    silence = max(interval, _monotonic(first, last)) - lasted - deadline
    return Span(
        interval=interval / (1 + missed),
        delivered=interval / (1 + missed),
        excess=interval - lasted,
        silence=silence if silence > _QUEUED * deadline else 0.0,
        delay=_delay_in_cycle(last, following, deadline),
        missed=missed,
    )


def _delay_in_cycle(buffer: Buffer, following: Buffer, deadline: float) -> float | None:
    """Return the delay of the callback after the start of its cycle; None if unknown.

    PipeWire counts cycles by a timer. While it catches up, it reports the planned start of each cycle. Then every
    buffer seems late, and the probe's own delay is unknown.
    """
    delay, next_delay = (b.monotonic_ns / _SECOND_NS - b.device_seconds for b in (buffer, following))
    return None if min(delay, next_delay) > deadline else delay


class _ClockPair:
    """The comparison of the two clocks, which trusts the device's only while it agrees with the monotonic one.

    They are compared over the last `_WINDOW` intervals. The probe's own delay cancels out there once it is over. A
    device clock that drifts, steps or wraps moves the sum by more than a deadline.
    """

    def __init__(self) -> None:
        self._leads: deque[float] = deque(maxlen=_WINDOW)
        self._agree = False
        self._trusted = False
        self._least: float | None = None
        self._delay: float | None = None

    def advance(self, first: Buffer, last: Buffer, tolerance: float) -> None:
        """Take in the interval after the judged one; the clocks may differ by `tolerance` seconds."""
        device = last.device_seconds - first.device_seconds
        self._leads.append(device - _monotonic(first, last))
        agreed, self._agree = self._agree, abs(sum(self._leads)) <= tolerance
        self._trusted = agreed or self._agree

    def span(self, first: Buffer, last: Buffer, deadline: float) -> Span:
        """Return the time between two buffers on the better clock.

        A late callback of the probe delays the next one as well, without a fault of the server.
        """
        device = last.device_seconds - first.device_seconds
        interval = device if self._trusted and device > 0 else _monotonic(first, last)
        delivered = interval - (self._delay or 0.0)
        self._delay = self._late_by(last, interval)
        return Span(interval, delivered, interval - deadline, 0.0, self._delay, 0)

    def _late_by(self, buffer: Buffer, interval: float) -> float | None:
        """Return the delay of the callback in seconds, relative to the least seen."""
        distance = buffer.monotonic_ns / _SECOND_NS - buffer.device_seconds
        if not self._trusted:
            self._least = None
            return None
        self._least = min(distance, distance if self._least is None else self._least + _DRIFT * interval)
        return distance - self._least


def _monotonic(first: Buffer, last: Buffer) -> float:
    return (last.monotonic_ns - first.monotonic_ns) / _SECOND_NS


class _GapFinder:
    """The distinction of lost buffers from late ones.

    An interval over 1.5 deadlines starts a suspicion. If the next buffers come faster, the server or the probe was late
    and catches up. Buffers that are still missing `_SETTLED_AFTER` buffers later are lost (servers queue two to four).
    If none is missing, the late ones were only late. A server that stays late never settles: then a suspicion of
    `_SUSPECTED_NS` is judged by the buffers missing just before the next late one. A silence longer than a server's
    queue is always a loss.
    """

    def __init__(self) -> None:
        self._start_ns = 0
        self._since_ns = 0
        self._end_ns = 0
        self._excess = 0.0
        self._silence = 0.0
        self._deadline = 0.0
        self._late = 0
        self._left = 0

    def fold(self, start_ns: int, end_ns: int, span: Span, deadline: float) -> tuple[Gap | None, int]:
        """Return a gap, or the number of late buffers, once it is certain.

        Args:
            start_ns: Monotonic time of a buffer.
            end_ns: Monotonic time of the next one.
            span: The time between them on the better clock.
            deadline: The duration of a buffer, in seconds.
        """
        verdict: tuple[Gap | None, int] = None, 0
        if max(span.excess + deadline, span.delivered, span.silence) > _LATE * deadline:
            if end_ns - self._since_ns > _SUSPECTED_NS:
                verdict = self.finish()
            self._suspect(start_ns, end_ns, deadline)
        elif not self._left:
            return verdict
        self._late += span.delivered > _LATE * deadline
        self._left -= span.interval > _CAUGHT_UP * deadline
        self._excess += span.excess
        self._silence += span.silence
        return verdict if self._left else self.finish()

    def finish(self) -> tuple[Gap | None, int]:
        """End the suspicion and return its verdict."""
        if not self._start_ns:
            return None, 0
        lost = round(max(self._excess, self._silence) / self._deadline)
        gap = Gap(self._start_ns, self._end_ns, lost, lost * self._deadline) if lost > 0 else None
        late = 0 if gap else self._late
        self._start_ns = self._left = 0
        return gap, late

    def _suspect(self, start_ns: int, end_ns: int, deadline: float) -> None:
        if not self._start_ns:
            self._start_ns = start_ns
            self._since_ns = end_ns
            self._excess = self._silence = 0.0
            self._late = 0
        self._end_ns = end_ns
        self._deadline = deadline
        self._left = _SETTLED_AFTER
