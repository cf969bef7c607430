"""When buffers came, from the probe's records: intervals, and gaps in which buffers were lost.

Pure; one `StreamTiming` for each stream. Two clocks: the device's, stamped in C before our callback waits for the GIL,
and the monotonic one, read in the callback. The device's is the finer one but cannot always be trusted: after the
server was frozen JACK's runs at half speed for a while, after 2**32 frames it wraps, and where it is wall time NTP may
step it.
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


class Buffer(NamedTuple):
    """One callback, as `protocol.BUFFER_RECORD` has it."""

    device_seconds: float
    monotonic_ns: int
    flags: int
    frames: int

    @classmethod
    def unpack(cls, record: bytes) -> Buffer:
        """The buffer that a record tells of."""
        return cls(*BUFFER_RECORD.unpack(record))


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


@dataclass(frozen=True, slots=True)
class Cycle:
    """The time from one buffer to the next.

    Attributes:
        interval: Seconds.
        jitter: How far that was from the deadline, in seconds.
        gap: A gap that has now become certain; it may lie a few buffers back.
    """

    interval: float
    jitter: float
    gap: Gap | None


class StreamTiming:
    """Folds the buffers of one stream, in order.

    Args:
        rate: Frames a second.
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._previous: Buffer | None = None
        self._clocks = _ClockPair()
        self._gaps = _GapFinder()

    def fold(self, buffer: Buffer) -> Cycle | None:
        """What came with this buffer; None for the first one."""
        previous, self._previous = self._previous, buffer
        deadline = buffer.frames / self._rate
        interval = self._clocks.advance(buffer, deadline)
        if previous is None:
            return None
        gap = self._gaps.fold(previous.monotonic_ns, buffer.monotonic_ns, deadline)
        return Cycle(interval, abs(interval - deadline), gap)


class _ClockPair:
    """Advances both clocks together, and believes the device's only while it keeps up with the monotonic one.

    They are compared over the last `_WINDOW` intervals: one late callback moves that difference by its lateness, a
    device clock that runs wrong, steps or wraps moves it by more than a deadline.
    """

    def __init__(self) -> None:
        self._previous: Buffer | None = None
        self._leads: deque[float] = deque(maxlen=_WINDOW)

    def advance(self, buffer: Buffer, tolerance: float) -> float:
        """Seconds since the previous buffer; 0 for the first."""
        previous, self._previous = self._previous, buffer
        if previous is None:
            return 0.0
        device = buffer.device_seconds - previous.device_seconds
        monotonic = (buffer.monotonic_ns - previous.monotonic_ns) / _SECOND_NS
        self._leads.append(device - monotonic)
        trusted = device > 0 and abs(sum(self._leads)) <= tolerance
        return device if trusted else monotonic


class _GapFinder:
    """Tells lost buffers from late ones, on the monotonic clock.

    An interval over 1.5 deadlines begins a suspicion. If what follows comes faster, the server or we were only late and
    have caught up; what is still missing after `_SETTLED_AFTER` buffers (servers queue two to four) is lost.
    """

    def __init__(self) -> None:
        self._start_ns = 0
        self._end_ns = 0
        self._excess = 0.0
        self._left = 0

    def fold(self, start_ns: int, end_ns: int, deadline: float) -> Gap | None:
        interval = (end_ns - start_ns) / _SECOND_NS
        if interval > _LATE * deadline:
            self._suspect(start_ns, end_ns)
        elif not self._left:
            return None
        self._left -= 1
        self._excess += interval - deadline
        return self._verdict(deadline) if not self._left else None

    def _suspect(self, start_ns: int, end_ns: int) -> None:
        if not self._left:
            self._start_ns = start_ns
            self._excess = 0.0
        self._end_ns = end_ns
        self._left = _SETTLED_AFTER

    def _verdict(self, deadline: float) -> Gap | None:
        lost = round(self._excess / deadline)
        return Gap(self._start_ns, self._end_ns, lost) if lost > 0 else None
