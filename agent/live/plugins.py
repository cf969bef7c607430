"""The plugins of a live sample, from the plugins collector's view."""

from __future__ import annotations

from collections.abc import Sequence

from agent.live.rates import short
from agent.live.sample import PluginNow
from collectors import histograms
from collectors.metrics import HistogramValue
from collectors.plugins.view import PluginView

_MOST = 64


def plugins(before: Sequence[PluginView] | None, now: Sequence[PluginView], _seconds: float) -> list[PluginNow]:
    """Return every polled plugin, sorted by name."""
    earlier = {view.name: view for view in before or ()}
    return [_plugin(earlier.get(view.name), view) for view in now[:_MOST]]


def _plugin(before: PluginView | None, now: PluginView) -> PluginNow:
    rendered = _rendered(before, now)
    mean = histograms.mean(rendered) if rendered else None
    return PluginNow(
        name=now.name,
        up=now.up,
        instances=now.instances,
        render=None if mean is None else short(mean),
        p99=short(histograms.quantile(rendered, 0.99)) if rendered else None,
        deadline=now.deadline,
        xruns=None if now.xruns is None else int(now.xruns),
    )


def _rendered(before: PluginView | None, now: PluginView) -> HistogramValue | None:
    """Return the render times between two views, else those of the last minute; None if there are none.

    A plugin is polled less often than a page looks, so there may be none between two views.
    """
    if now.render is None:
        return None
    seen = histograms.between(before.render if before else None, now.render)
    if any(seen.counts):
        return seen
    return now.recent if now.recent and any(now.recent.counts) else None
