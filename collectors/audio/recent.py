"""The recent past of one device, for findings that end by themselves. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

from collectors.audio.dropouts import Dropout

_MINUTE_NS = 60_000_000_000
_SECOND_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class RecentView:
    """The recent past of one device.

    Attributes:
        dropouts: The settled dropouts of the last `thresholds.RECENT_NS`, in order of settling.
        load: The mean DSP load of the last minute; None until it is known for a minute.
        clipped: The clipped samples a second of each channel in the last minute.
    """

    dropouts: tuple[Dropout, ...] = ()
    load: float | None = None
    clipped: tuple[float, ...] = ()


class _Second(NamedTuple):
    at_ns: int
    load: float | None
    clipped: tuple[int, ...]


class LastMinute:
    """Readings of load and clipping, one a second."""

    def __init__(self) -> None:
        self._readings: deque[_Second] = deque()

    def read(self, now_ns: int, load: float | None, clipped: tuple[int, ...]) -> None:
        """Add a reading. Readings less than a second after the last one are ignored."""
        if self._readings and now_ns - self._readings[-1].at_ns < _SECOND_NS:
            return
        self._readings.append(_Second(now_ns, load, clipped))
        while self._readings[0].at_ns < now_ns - _MINUTE_NS - _SECOND_NS:
            self._readings.popleft()

    @property
    def load(self) -> float | None:
        """The mean load; None unless every reading of a minute has one."""
        loads = [reading.load for reading in self._readings if reading.load is not None]
        return sum(loads) / len(loads) if self._is_full() and len(loads) == len(self._readings) else None

    @property
    def clipped(self) -> tuple[float, ...]:
        """Clipped samples a second of each channel; empty before a minute has passed."""
        if not self._is_full():
            return ()
        first, last = self._readings[0], self._readings[-1]
        seconds = (last.at_ns - first.at_ns) / _SECOND_NS
        earlier = first.clipped + (0,) * (len(last.clipped) - len(first.clipped))
        return tuple((now - before) / seconds for now, before in zip(last.clipped, earlier, strict=True))

    def _is_full(self) -> bool:
        return len(self._readings) > 1 and self._readings[-1].at_ns - self._readings[0].at_ns >= _MINUTE_NS - _SECOND_NS
