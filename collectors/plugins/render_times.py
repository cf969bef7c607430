"""The render times of plugins in the last minute, against the deadline of their buffers. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from collectors import histograms
from collectors.metrics import HistogramValue
from collectors.plugins.view import PluginView

WINDOW_SECONDS = 60.0
"""The time that the alert `BufferDeadlineAtRisk` looks back."""

AT_RISK = 0.8
"""The share of the deadline that the same alert allows the 99th percentile."""

_STEP_SECONDS = 5.0
_LEAST_SECONDS = 10.0
_QUANTILE = 0.99


@dataclass(frozen=True, slots=True)
class LateRendering:
    """A plugin whose render time is near its deadline, or above it.

    Attributes:
        plugin: Its name.
        p99: The 99th percentile of the last minute, in seconds.
        deadline: The shortest buffer of its instances, in seconds.
        over: The share of buffers that took longer than the deadline, as far as the histogram's buckets tell.
        xruns: The dropouts that it reported in that time; None if it reports none.
    """

    plugin: str
    p99: float
    deadline: float
    over: float
    xruns: int | None

    @property
    def share(self) -> float:
        """The share of the deadline."""
        return self.p99 / self.deadline


@dataclass(frozen=True, slots=True)
class SlowestRender:
    """The slowest render of a plugin between two readings.

    Attributes:
        plugin: Its name.
        seconds: The upper bound of the slowest render.
        over: The number of renders longer than the deadline, as far as the histogram's buckets tell.
    """

    plugin: str
    seconds: float
    over: int


@dataclass(frozen=True, slots=True)
class _RenderCounts:
    seconds: float
    render: HistogramValue
    xruns: float | None


class RenderTimes:
    """The readings of the last minute, by plugin."""

    def __init__(self) -> None:
        self._readings: dict[str, deque[_RenderCounts]] = {}
        self._deadlines: dict[str, float] = {}
        self._looked = -_STEP_SECONDS

    def is_due(self, seconds: float) -> bool:
        """Return whether the last look was long enough ago, on the monotonic clock."""
        return seconds - self._looked >= _STEP_SECONDS

    def look(self, views: Iterable[PluginView], seconds: float) -> None:
        """Keep the readings of this moment, and forget plugins that are gone."""
        self._looked = seconds
        readings, deadlines = {}, {}
        for view in views:
            if view.render is not None and view.deadline:
                kept = self._readings.get(view.name) or deque()
                kept.append(_RenderCounts(seconds, view.render, view.xruns))
                while len(kept) > 1 and kept[1].seconds <= seconds - WINDOW_SECONDS:
                    kept.popleft()
                readings[view.name], deadlines[view.name] = kept, view.deadline
        self._readings, self._deadlines = readings, deadlines

    def slowest(self, start: float, end: float) -> list[SlowestRender]:
        """Return the slowest renders between the last reading before `start` and the first one after `end`.

        Plugins without both readings are left out.
        """
        return list(self._slowest(start, end))

    def _slowest(self, start: float, end: float) -> Iterator[SlowestRender]:
        for plugin, kept in self._readings.items():
            first = next((it for it in reversed(kept) if it.seconds <= start), None)
            last = next((it for it in kept if it.seconds >= end), None)
            if first is None or last is None:
                continue
            rendered = histograms.between(first.render, last.render)
            if any(rendered.counts):
                yield SlowestRender(plugin, histograms.worst(rendered), _over(rendered, self._deadlines[plugin]))

    def recent(self, plugin: str) -> HistogramValue | None:
        """Return the render times of the last minute; None before the second look at the plugin."""
        kept = self._readings.get(plugin)
        return histograms.between(kept[0].render, kept[-1].render) if kept and len(kept) > 1 else None

    def late(self) -> list[LateRendering]:
        """Return the plugins near or above their deadline, the worst first."""
        return sorted(self._late(), key=lambda it: -it.share)

    def _late(self) -> Iterator[LateRendering]:
        for plugin, kept in list(self._readings.items()):
            first, last = kept[0], kept[-1]
            deadline = self._deadlines[plugin]
            rendered = histograms.between(first.render, last.render)
            if last.seconds - first.seconds < _LEAST_SECONDS or not any(rendered.counts):
                continue
            p99 = histograms.quantile(rendered, _QUANTILE)
            if p99 > AT_RISK * deadline:
                yield LateRendering(plugin, p99, deadline, _share_over(rendered, deadline), _xruns(first, last))


def _share_over(rendered: HistogramValue, deadline: float) -> float:
    """Return the share of observations in buckets that begin at the deadline or above it."""
    return _over(rendered, deadline) / sum(rendered.counts)


def _over(rendered: HistogramValue, deadline: float) -> int:
    """Return the number of observations in buckets that begin at the deadline or above it."""
    starts = (0.0, *rendered.bounds)
    return sum(count for start, count in zip(starts, rendered.counts, strict=True) if start >= deadline)


def _xruns(first: _RenderCounts, last: _RenderCounts) -> int | None:
    if first.xruns is None or last.xruns is None:
        return None
    return max(int(last.xruns - first.xruns), 0)
