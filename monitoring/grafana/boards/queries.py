"""Queries to the data sources, narrowed to the dashboard's variables."""

from __future__ import annotations

from grafana_foundation_sdk.builders import loki, prometheus
from grafana_foundation_sdk.models.dashboard import DataSourceRef
from grafana_foundation_sdk.models.loki import Dataquery as LokiQuery
from grafana_foundation_sdk.models.prometheus import Dataquery as PrometheusQuery
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from monitoring.grafana.boards.late_samples import with_late_samples

PROMETHEUS = DataSourceRef("prometheus", "wr-prometheus")
LOKI = DataSourceRef("loki", "wr-loki")

SHOWN = 10
"""The number of series that a graph of hosts shows."""

_SAMPLED = "$__range:$__rate_interval"
"""The points at which the most extreme series are chosen: for short ranges, a quarter of a graph's points."""

# A single Prometheus stores its series without cluster and environment, so a missing label has to match. Behind Thanos,
# Mimir or VictoriaMetrics every series carries them.
_SITE = 'cluster=~"$cluster|",environment=~"$environment|"'
_NARROWED = {
    "@site": _SITE,
    "@host": f'{_SITE},host=~"$host"',
    "@device": f'{_SITE},host=~"$host",device=~"$device"',
    "@service": f'{_SITE},service=~"$service"',
}


def narrowed(expression: str) -> str:
    """Return the expression with the variables' selectors for @site, @host, @device and @service.

    Recordings of a machine give way to raw values for machines that push.
    """
    expression = with_late_samples(expression)
    for name, selector in _NARROWED.items():
        expression = expression.replace(name, selector)
    return expression


def highest(expression: str) -> str:
    """Return the series of an expression that reached the highest values within the dashboard's time."""
    return f"({expression}) and topk({SHOWN}, max_over_time(({expression})[{_SAMPLED}] @ end()))"


def lowest(expression: str) -> str:
    """Return the series of an expression that reached the lowest values within the dashboard's time."""
    return f"({expression}) and bottomk({SHOWN}, min_over_time(({expression})[{_SAMPLED}] @ end()))"


def _query(expression: str, legend: str) -> prometheus.Dataquery:
    return prometheus.Dataquery().datasource(PROMETHEUS).expr(narrowed(expression)).legend_format(legend)


def series(expression: str, legend: str = "") -> PrometheusQuery:
    """Return a query over the dashboard's time."""
    return _query(expression, legend).range().build()


def now(expression: str, legend: str = "") -> PrometheusQuery:
    """Return a query at the end of the dashboard's time."""
    return _query(expression, legend).instant().build()


def rows(expression: str) -> PrometheusQuery:
    """Return a query at the end of the dashboard's time, with a row for each series and a column for each label."""
    return _query(expression, "").instant().format(PromQueryFormat.TABLE).build()


def buckets(expression: str) -> PrometheusQuery:
    """Return a query of a histogram's buckets over the dashboard's time."""
    return _query(expression, "{{le}}").range().format(PromQueryFormat.HEATMAP).build()


def lines(expression: str) -> LokiQuery:
    """Return a query of log lines within the dashboard's time, in LogQL."""
    return loki.Dataquery().datasource(LOKI).expr(expression).query_type("range").build()
