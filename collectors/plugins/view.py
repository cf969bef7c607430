"""The live view of the plugins, for the status page: their render time, deadline and xruns. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from collectors.metrics import HistogramValue
from collectors.plugins.instance import Instance
from collectors.plugins.plugin import Plugin
from collectors.plugins.series import Counter, Distribution

_RENDER = "audio_engine_render_time_seconds"
_XRUNS = "audio_engine_xruns_total"
_DEADLINE = "audio_engine_buffer_duration_seconds"


@dataclass(frozen=True, slots=True)
class PluginView:
    """One plugin with all its instances.

    Attributes:
        name: Its name.
        up: The number of sockets that answered the last poll.
        instances: The number of polled sockets.
        render: Its render times; None if it reports none.
        recent: Those of the last minute; None before the second look at them.
        deadline: The shortest buffer of its instances in seconds; None if it reports none.
        xruns: Its xruns; None if it reports none.
    """

    name: str
    up: int
    instances: int
    render: HistogramValue | None
    deadline: float | None
    xruns: float | None
    recent: HistogramValue | None = None


def plugin_views(plugins: Iterable[Plugin], instances: Iterable[Instance]) -> tuple[PluginView, ...]:
    """Return the view of each plugin with a polled socket, sorted by name."""
    polled: dict[str, list[Instance]] = {}
    for instance in instances:
        if instance.last and not instance.ended:
            polled.setdefault(instance.plugin.name, []).append(instance)
    views = (_view(plugin, polled[plugin.name]) for plugin in plugins if plugin.name in polled)
    return tuple(sorted(views, key=lambda view: view.name))


def _view(plugin: Plugin, polled: list[Instance]) -> PluginView:
    return PluginView(
        name=plugin.name,
        up=sum(bool(it.last and it.last.failure is None) for it in polled),
        instances=len(polled),
        render=_render(plugin),
        deadline=min((value for it in polled for value in _gauges(it, _DEADLINE)), default=None),
        xruns=_xruns(plugin),
    )


def _render(plugin: Plugin) -> HistogramValue | None:
    for series in list(plugin.series.values()):
        if series.head.name == _RENDER and isinstance(series, Distribution) and series.total and series.total.bounds:
            value = series.value(series.total)
            return value if isinstance(value, HistogramValue) else None
    return None


def _xruns(plugin: Plugin) -> float | None:
    totals = [
        series.total
        for series in list(plugin.series.values())
        if series.head.name == _XRUNS and isinstance(series, Counter) and series.total is not None
    ]
    return sum(totals) if totals and math.isfinite(sum(totals)) else None


def _gauges(instance: Instance, name: str) -> list[float]:
    last = instance.last
    if last is None or last.plan is None:
        return []
    return [value for it, value in zip(last.plan.gauges, last.gauges, strict=True) if it.head.name == name]
