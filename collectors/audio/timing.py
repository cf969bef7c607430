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

from collectors.audio.protocol import BUFFER_RECORD

_SECOND_NS = 1_000_000_000
_WINDOW = 16
_LATE = 1.5
_SETTLED_AFTER = 8
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
    """

    start_ns: int
    end_ns: int
    lost: int


class Span(NamedTuple):
    """The time from one buffer to the next, on the better clock.

    Attributes:
        interval: Seconds from buffer to buffer as the server delivered them.
        delivered: The part of it that is the server's doing, in seconds.
        delay: How late our callback ran, in seconds; None if that cannot be told.
        missed: Buffers that the server delivered between the two and we missed.
    """

    interval: float
    delivered: float
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
        self._buffers.append(buffer)
        if len(self._buffers) > 1 and not buffer.cycle:
            self._clocks.advance(self._buffers[-2], buffer, buffer.frames / self._rate)
        return self._cycle(*self._buffers) if len(self._buffers) == self._buffers.maxlen else None

    def _cycle(self, first: Buffer, last: Buffer, _next: Buffer) -> Cycle:
        deadline = last.frames / self._rate
        counted = first.cycle and last.cycle
        span = _server_span(first, last, deadline) if counted else self._clocks.span(first, last)
        gap, late = self._gaps.fold(first.monotonic_ns, last.monotonic_ns, span, deadline)
        return Cycle(span, deadline, gap, late)


def _server_span(first: Buffer, last: Buffer, deadline: float) -> Span:
    """The span between two buffers whose cycles the server has numbered by their frames.

    The number alone does not do: after it was frozen JACK skips numbers, without the time that would belong to them.
    """
    interval = last.device_seconds - first.device_seconds
    ran = round((last.cycle - first.cycle) % _CYCLES / last.frames)
    missed = max(min(ran, round(interval / deadline)) - 1, 0)
    each = interval / (missed + 1)
    return Span(each, each, last.monotonic_ns / _SECOND_NS - last.device_seconds, missed)


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

    def span(self, first: Buffer, last: Buffer) -> Span:
        """The time between two buffers, on the better clock.

        A callback of ours that ran late makes the next one late as well, by no fault of the server's.
        """
        device = last.device_seconds - first.device_seconds
        interval = device if self._trusted and device > 0 else _monotonic(first, last)
        delivered = interval - (self._delay or 0.0)
        self._delay = self._late_by(last, interval)
        return Span(interval, delivered, self._delay, 0)

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
    """Tells lost buffers from late ones, on the monotonic clock.

    An interval over 1.5 deadlines begins a suspicion. If what follows comes faster, the server or we were only late and
    have caught up; what is still missing after `_SETTLED_AFTER` buffers (servers queue two to four), and was not missed
    by ourselves, is lost. If nothing is, the server was late with what it delivered late on the better clock as well.
    """

    def __init__(self) -> None:
        self._start_ns = 0
        self._end_ns = 0
        self._excess = 0.0
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
        seen = (end_ns - start_ns) / _SECOND_NS
        if max(seen, span.delivered) > _LATE * deadline:
            self._suspect(start_ns, end_ns)
        elif not self._left:
            return None, 0
        self._late += span.delivered > _LATE * deadline
        self._left -= 1
        self._excess += seen - (1 + span.missed) * deadline
        return self._verdict(deadline) if not self._left else (None, 0)

    def _suspect(self, start_ns: int, end_ns: int) -> None:
        if not self._left:
            self._start_ns = start_ns
            self._excess = 0.0
            self._late = 0
        self._end_ns = end_ns
        self._left = _SETTLED_AFTER

    def _verdict(self, deadline: float) -> tuple[Gap | None, int]:
        lost = round(self._excess / deadline)
        return (Gap(self._start_ns, self._end_ns, lost), 0) if lost > 0 else (None, self._late)
