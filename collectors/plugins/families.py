"""The families that the plugins collector exports: the plugins' own, and those about polling. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from collectors.metrics import Family, LabelNames, LabelValues, Value, counter, gauge
from collectors.plugins.gone import REASON_LABELS, Gone
from collectors.plugins.instance import Instance, Poll
from collectors.plugins.names import Head
from collectors.plugins.plugin import Plugin
from collectors.plugins.series import Counter

_INSTANCE = ("plugin", "plugin_instance")

_Samples = dict[tuple[Head, LabelNames], dict[LabelValues, Value]]


def foreign_families(
    plugins: Iterable[Plugin], instances: Iterable[Instance], left_out: AbstractSet[Head] = frozenset()
) -> list[Family]:
    """Return the plugins' totals, and the gauges of instances whose last poll succeeded.

    Args:
        plugins: The plugins.
        instances: Their instances.
        left_out: Families that are not exported.
    """
    samples: _Samples = {}
    for plugin in plugins:
        _add_totals(plugin, samples)
    for instance in instances:
        if instance.last:
            _add_gauges(instance, instance.last, samples)
    return [
        Family(head.name, head.type, head.help, labels, of, foreign=True)
        for (head, labels), of in samples.items()
        if head not in left_out
    ]


def poll_families(plugins: Iterable[Plugin], instances: Iterable[Instance]) -> list[Family]:
    """Return the families about polling."""
    polls = [(_labels(it), it.last) for it in instances if it.last and not it.ended]
    rejected: dict[LabelValues, float] = {
        (plugin.name, reason.value): count
        for plugin in plugins
        for reason, count in plugin.refusals.counts.copy().items()
    }
    return [
        gauge(
            "wr_agent_plugin_up",
            "1 if the last poll or push of the instance had a page of metrics, else 0.",
            {labels: float(poll.failure is None) for labels, poll in polls},
            _INSTANCE,
        ),
        gauge(
            "wr_agent_plugin_poll_duration_seconds",
            "Duration of the last poll of the socket, or of reading the last pushed page.",
            {labels: poll.duration for labels, poll in polls},
            _INSTANCE,
        ),
        gauge(
            "wr_agent_plugin_samples",
            "Sample lines on the last page of the instance.",
            {labels: float(poll.plan.template.samples) for labels, poll in polls if poll.plan},
            _INSTANCE,
        ),
        counter(
            "wr_agent_plugin_rejected_total",
            "Refused sockets, pages, families, series and values of plugins, counted at each poll and push.",
            rejected,
            ("plugin", "reason"),
        ),
    ]


def gone_family(gone: Iterable[Gone]) -> Family:
    """Return the family of plugins that should be there and are not."""
    return gauge(
        "wr_agent_plugin_gone",
        "Instances of the plugin that are missing: reason=vanished ended without closing their socket and were not "
        "replaced, reason=expected is 1 while a plugin of plugins.expected does not run.",
        {(it.plugin, it.service, it.reason.value): float(it.missing) for it in gone},
        REASON_LABELS,
    )


def _add_totals(plugin: Plugin, samples: _Samples) -> None:
    for series in list(plugin.series.values()):
        value: Value | None
        if isinstance(series, Counter):
            value = series.total
        else:
            value = None if series.total is None else series.value(series.total)
        if value is not None:
            samples.setdefault((series.head, series.labels), {})[series.values] = value


def _add_gauges(instance: Instance, poll: Poll, samples: _Samples) -> None:
    if poll.plan is None:
        return
    own = _labels(instance)
    for it, value in zip(poll.plan.gauges, poll.gauges, strict=True):
        samples.setdefault((it.head, (*_INSTANCE, *it.labels)), {})[*own, *it.values] = value


def _labels(instance: Instance) -> LabelValues:
    return instance.plugin.name, instance.number
