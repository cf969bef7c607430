"""Questions to the data sources, and how they are narrowed to what the dashboard's variables say."""

from __future__ import annotations

from grafana_foundation_sdk.builders import loki, prometheus
from grafana_foundation_sdk.models.dashboard import DataSourceRef
from grafana_foundation_sdk.models.loki import Dataquery as LokiQuery
from grafana_foundation_sdk.models.prometheus import Dataquery as PrometheusQuery
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

PROMETHEUS = DataSourceRef("prometheus", "wr-prometheus")
LOKI = DataSourceRef("loki", "wr-loki")
ALERTMANAGER_NAME = "Alertmanager"
"""Alertmanager's data source as provisioning names it: the panel of alert groups knows it by name only."""

# Where one Prometheus answers for itself, its series do not carry its cluster and environment: a missing label matches
# too. Where Thanos or Mimir answer for many, every series carries them, and none is missing.
_SITE = 'cluster=~"$cluster|",environment=~"$environment|"'
_NARROWED = {
    "@site": _SITE,
    "@host": f'{_SITE},host=~"$host"',
    "@device": f'{_SITE},host=~"$host",device=~"$device"',
    "@service": f'{_SITE},service=~"$service"',
}


def narrowed(expression: str) -> str:
    """The expression, with the variables' selectors in the place of @site, @host, @device and @service."""
    for name, selector in _NARROWED.items():
        expression = expression.replace(name, selector)
    return expression


def _query(expression: str, legend: str) -> prometheus.Dataquery:
    return prometheus.Dataquery().datasource(PROMETHEUS).expr(narrowed(expression)).legend_format(legend)


def series(expression: str, legend: str = "") -> PrometheusQuery:
    """What an expression was over the dashboard's time."""
    return _query(expression, legend).range().build()


def now(expression: str, legend: str = "") -> PrometheusQuery:
    """What an expression is at the end of the dashboard's time."""
    return _query(expression, legend).instant().build()


def rows(expression: str) -> PrometheusQuery:
    """What an expression is at the end of the dashboard's time, a row for each series and a column for each label."""
    return _query(expression, "").instant().format(PromQueryFormat.TABLE).build()


def buckets(expression: str) -> PrometheusQuery:
    """How a histogram's observations were distributed over the dashboard's time."""
    return _query(expression, "{{le}}").range().format(PromQueryFormat.HEATMAP).build()


def lines(expression: str) -> LokiQuery:
    """Log lines within the dashboard's time, by LogQL."""
    return loki.Dataquery().datasource(LOKI).expr(expression).query_type("range").build()
