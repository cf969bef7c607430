"""The variables of the dashboards. Their values come from Prometheus."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import (
    VariableModel,
    VariableOption,
    VariableRefresh,
    VariableSort,
    VariableType,
)

from monitoring.grafana.boards.queries import PROMETHEUS, narrowed

_ALL = VariableOption(selected=True, text=["All"], value=["$__all"])


def _variable(name: str, label: str, query: str, all_value: str) -> VariableModel:
    """Return a variable of several values.

    Args:
        name: Its name in links and selectors.
        label: Its name on the dashboard.
        query: The query of its values.
        all_value: The regular expression of all values.
    """
    return VariableModel(
        type_val=VariableType.QUERY,
        name=name,
        label=label,
        query=narrowed(query),
        datasource=PROMETHEUS,
        current=_ALL,
        multi=True,
        include_all=True,
        all_value=all_value,
        refresh=VariableRefresh.ON_TIME_RANGE_CHANGED,
        sort=VariableSort.ALPHABETICAL_ASC,
    )


# Prometheus's own job carries the cluster and the environment; see prometheus.yml.
CLUSTER = _variable("cluster", "Cluster", "label_values(prometheus_build_info, cluster)", ".*")
ENVIRONMENT = _variable(
    "environment", "Environment", 'label_values(prometheus_build_info{cluster=~"$cluster|"}, environment)', ".*"
)
# Loki requires a selector that does not match the empty string, so all hosts are .+ and not .*.
HOST = _variable("host", "Host", 'label_values(up{job=~"agent|wr-agent",@site}, host)', ".+")
DEVICE = _variable("device", "Audio device", "label_values(audio_device_up{@host}, device)", ".+")
SERVICE = _variable("service", "Service", 'label_values({service!="",@site}, service)', ".+")
