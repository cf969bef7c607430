"""What a dashboard can be narrowed to. Each variable's values are asked of Prometheus."""

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
    """A variable of several values.

    Args:
        name: What links and selectors call it.
        label: What a person reads.
        query: Where its values come from.
        all_value: The regular expression that stands for all of them.
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


# Prometheus's own job says which cluster and environment it is of; see prometheus.yml.
CLUSTER = _variable("cluster", "Cluster", "label_values(prometheus_build_info, cluster)", ".*")
ENVIRONMENT = _variable(
    "environment", "Environment", 'label_values(prometheus_build_info{cluster=~"$cluster|"}, environment)', ".*"
)
# Log streams need a selector that does not match the empty string, so that all hosts are .+ and not .*.
HOST = _variable("host", "Host", 'label_values(up{job="agent",@site}, host)', ".+")
DEVICE = _variable("device", "Audio device", "label_values(audio_device_up{@host}, device)", ".+")
SERVICE = _variable("service", "Service", 'label_values({service!="",@site}, service)', ".+")
