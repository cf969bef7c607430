"""When buffers came, from the probe's records: intervals, and whose fault it was where one was late.

Pure; one `StreamTiming` for each stream. Where JACK tells it, a record says in which of the server's cycles the buffer
came and when that cycle began, on the monotonic clock: then our own delay and the cycles that we missed are plain.

Elsewhere there are two clocks: the device's, stamped in C before our callback waits for the GIL, and the monotonic one,
read in the callback. The device's is the finer one but cannot always be trusted: where it is wall time NTP may step it,
and one that counts frames wraps. As far as it is trusted, the distance of the two beyond its usual one is our delay.
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
"""More than the clocks of a sound card and of a computer differ, as a ratio."""


class Buffer(NamedTuple):
    """One callback, as `protocol.BUFFER_RECORD` has it."""

    device_seconds: float
    monotonic_ns: int
    flags: int
    frames: int
    cycle: int = 0

    @classmethod
    def unpack(cls, record: bytes) -> Buffer:
        """The buffer that a record tells of."""
        return cls._make(BUFFER_RECORD.unpack(record))


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch in which buffers were lost.

    Attributes:
        start_ns: Monotonic time of the last buffer before it.
        end_ns: Monotonic time of the first buffer after it.
        lost: How many buffers are missing for good; at least 1.
        seconds: How long these would have lasted.
    """

    start_ns: int
    end_ns: int
    lost: int
    seconds: float


class Span(NamedTuple):
    """The time from one buffer to the next, on the better clock.

    Attributes:
        interval: Seconds from buffer to buffer as the server delivered them.
        delivered: The part of it that is the server's doing, in seconds.
        excess: Seconds that passed beyond what the buffers delivered meanwhile last; negative while it catches up.
        silence: The part of that for which no server can have queued buffers, so that catching up does not mend it;
            known only of a server that numbers its cycles.
        delay: How late our callback ran, in seconds; None if that cannot be told.
        missed: Buffers that the server delivered between the two and we missed.
    """

    interval: float
    delivered: float
    excess: float
    silence: float
    delay: float | None
    missed: int


class Cycle(NamedTuple):
    """A span, and what it means.

    Attributes:
        span: The time from the buffer before.
        deadline: How long a buffer lasts, in seconds.
        gap: A gap that has now become certain; it may lie a few buffers back.
        late: Buffers that have now turned out to have been delivered late, but not lost.
    """

    span: Span
    deadline: float
    gap: Gap | None
    late: int

    @property
    def jitter(self) -> float:
        """How far the interval was from the deadline, in seconds."""
        return abs(self.span.interval - self.deadline)

    @property
    def is_own_miss(self) -> bool:
        """Whether our own delay took a whole buffer or more."""
        return self.span.missed > 0 or (self.span.delay or 0) > self.deadline


class StreamTiming:
    """Folds the buffers of one stream, in order.

    Args:
        rate: Frames a second.
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._buffers: deque[Buffer] = deque(maxlen=3)
        self._clocks = _ClockPair()
        self._gaps = _GapFinder()

    def fold(self, buffer: Buffer) -> Cycle | None:
        """The cycle that ended with the buffer before this one; None for the first two.

        It is one buffer behind because only the next one shows whether a distance of the two clocks was our own delay,
        which is caught up at once, or the device's clock, which goes on being wrong.
        """
        if self._buffers and 0 < buffer.cycle == self._buffers[-1].cycle:
            self._buffers.append(_of_the_cycle_before(self._buffers.pop()))
        self._buffers.append(buffer)
        if len(self._buffers) > 1 and not buffer.cycle:
            self._clocks.advance(self._buffers[-2], buffer, buffer.frames / self._rate)
        return self._cycle(*self._buffers) if len(self._buffers) == self._buffers.maxlen else None

    def finish(self) -> Gap | None:
        """The gap that was not certain yet when the stream ended."""
        gap, _ = self._gaps.finish()
        return gap

    def _cycle(self, first: Buffer, last: Buffer, following: Buffer) -> Cycle:
        deadline = last.frames / self._rate
        counted = first.cycle and last.cycle
        span = _server_span(first, last, following, deadline) if counted else self._clocks.span(first, last, deadline)
        gap, late = self._gaps.fold(first.monotonic_ns, last.monotonic_ns, span, deadline)
        return Cycle(span, deadline, gap, late)


def _of_the_cycle_before(buffer: Buffer) -> Buffer:
    """A buffer whose stamp names the cycle after its own, because that one began before the stamp was read.

    JACK does so after it was frozen: it runs two cycles without a pause between them.
    """
    return buffer._replace(cycle=(buffer.cycle - buffer.frames) % _CYCLES)


def _server_span(first: Buffer, last: Buffer, following: Buffer, deadline: float) -> Span:
    """The span between two buffers whose cycles the server has numbered by their frames.

    JACK 2 raises the number by one buffer a cycle and by nothing else (`JackFrameTimer::IncFrameTimeAux`, the same from
    1.9.10 to 1.9.22). JACK 1 adds frames when it was late, which it did not run: more than there was time for.
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
    """How long after its cycle's beginning our callback ran.

    PipeWire counts cycles by a timer. If it was late it says of the cycles with which it catches up that they began
    when they should have: then buffer after buffer seems to be late, and how late we were ourselves cannot be told.
    """
    delay, next_delay = (b.monotonic_ns / _SECOND_NS - b.device_seconds for b in (buffer, following))
    return None if min(delay, next_delay) > deadline else delay


class _ClockPair:
    """Compares the two clocks, and believes the device's only while it keeps up with the monotonic one.

    They are compared over the last `_WINDOW` intervals. Our own lateness cancels itself out there as soon as it is
    over; a device clock that runs wrong, steps or wraps moves the sum by more than a deadline.
    """

    def __init__(self) -> None:
        self._leads: deque[float] = deque(maxlen=_WINDOW)
        self._agree = False
        self._trusted = False
        self._least: float | None = None
        self._delay: float | None = None

    def advance(self, first: Buffer, last: Buffer, tolerance: float) -> None:
        """Take in the interval after the one to be judged; the clocks may differ by `tolerance` seconds."""
        device = last.device_seconds - first.device_seconds
        self._leads.append(device - _monotonic(first, last))
        agreed, self._agree = self._agree, abs(sum(self._leads)) <= tolerance
        self._trusted = agreed or self._agree

    def span(self, first: Buffer, last: Buffer, deadline: float) -> Span:
        """The time between two buffers, on the better clock.

        A callback of ours that ran late makes the next one late as well, by no fault of the server's.
        """
        device = last.device_seconds - first.device_seconds
        interval = device if self._trusted and device > 0 else _monotonic(first, last)
        delivered = interval - (self._delay or 0.0)
        self._delay = self._late_by(last, interval)
        return Span(interval, delivered, interval - deadline, 0.0, self._delay, 0)

    def _late_by(self, buffer: Buffer, interval: float) -> float | None:
        """Seconds by which our callback was late, as against the least that was seen."""
        distance = buffer.monotonic_ns / _SECOND_NS - buffer.device_seconds
        if not self._trusted:
            self._least = None
            return None
        self._least = min(distance, distance if self._least is None else self._least + _DRIFT * interval)
        return distance - self._least


def _monotonic(first: Buffer, last: Buffer) -> float:
    return (last.monotonic_ns - first.monotonic_ns) / _SECOND_NS


class _GapFinder:
    """Tells lost buffers from late ones.

    An interval over 1.5 deadlines begins a suspicion. If what follows comes faster, the server or we were only late and
    are catching up; what is still missing `_SETTLED_AFTER` buffers after that (servers queue two to four) is lost. If
    nothing is, the server was late with what it delivered late. Where it goes on being late there is no such rest: then
    a suspicion of a certain age is judged by what was missing just before the next late buffer. And nothing mends a
    silence that was longer than what servers queue.
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
        """A gap, or the number of late buffers, once that is certain.

        Args:
            start_ns: Monotonic time of a buffer.
            end_ns: Monotonic time of the next one.
            span: The time between them on the better clock.
            deadline: What it should have been, in seconds.
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
        """The verdict on what is suspected now, which ends the suspicion."""
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
