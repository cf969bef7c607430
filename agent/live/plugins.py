"""The plugins of a live sample, from the plugins collector's families."""

from __future__ import annotations

from math import isfinite

from agent.live import histograms
from agent.live.reading import Reading, short
from agent.live.sample import PluginNow
from collectors.metrics import HistogramValue

_UP = "wr_agent_plugin_up"
_RENDER = "audio_engine_render_time_seconds"
_DEADLINE = "audio_engine_buffer_duration_seconds"
_XRUNS = "audio_engine_xruns_total"

NAMES = frozenset({_UP, _RENDER, _DEADLINE, _XRUNS})

_MOST = 64


def plugins(before: Reading | None, now: Reading) -> list[PluginNow]:
    """Return every polled plugin, sorted by name."""
    names = sorted({it.labels["plugin"] for it in now.series(_UP)})
    return [_plugin(before, now, name) for name in names[:_MOST]]


def _plugin(before: Reading | None, now: Reading, name: str) -> PluginNow:
    up = now.numbers(_UP, plugin=name)
    xruns = now.total(_XRUNS, plugin=name)
    rendered = _rendered(before, now, name)
    mean = histograms.mean(rendered) if rendered else None
    return PluginNow(
        name=name,
        up=int(sum(up)),
        instances=len(up),
        render=None if mean is None else short(mean),
        p99=short(histograms.quantile(rendered, 0.99)) if rendered else None,
        deadline=min(now.numbers(_DEADLINE, plugin=name), default=None),
        xruns=int(xruns) if xruns is not None and isfinite(xruns) else None,
    )


def _rendered(before: Reading | None, now: Reading, name: str) -> HistogramValue | None:
    """Return the render times between two readings; None if there are none."""
    after = now.histogram(_RENDER, plugin=name)
    if after is None or not after.bounds:
        return None
    seen = histograms.between(before.histogram(_RENDER, plugin=name) if before else None, after)
    return seen if any(seen.counts) else None
