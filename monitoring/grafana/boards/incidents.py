"""The open P0 and P1 alerts on dashboards: a strip of their own, and marks at their beginnings and ends."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import AnnotationQuery, Panel

from monitoring.grafana.boards import limits, panels
from monitoring.grafana.boards.queries import PROMETHEUS, narrowed, series

_STEP = "30s"


def _firing(priority: str, selector: str) -> str:
    return f'ALERTS{{alertstate="firing",priority=~"{priority}",alertname!="DeadMansSwitch",{selector}}}'


def _by_name(priority: str, selector: str) -> str:
    return f"max by (priority, alertname, host, service) ({_firing(priority, selector)})"


def strip(selector: str = "@host", height: int = 4) -> Panel:
    """Return a thin state timeline of the P0 and P1 alerts, by name.

    Args:
        selector: The alerts to show.
        height: Rows of the grid.
    """
    legend = "{{priority}} {{alertname}} {{host}} {{service}}"
    return panels.states(
        "P0 and P1 alerts",
        "The P0 and P1 alerts that fire, by name.",
        series(f"{_by_name('P0', selector)} * 2", legend),
        series(_by_name("P1", selector), legend),
        words=limits.PRIORITIES,
        no_data="no P0 or P1 alert",
        width=24,
        height=height,
    )


def marks(*, shown: bool) -> list[AnnotationQuery]:
    """Return single marks at the beginning and the end of P0 and P1 alerts of the chosen hosts.

    Each query has a value at one point in time only, so Grafana draws no region.

    Args:
        shown: True if the marks are on by default.
    """
    alerts = _firing("P0|P1", "@host" if shown else "@site")
    before = f"{alerts} offset {_STEP}"
    return [
        _mark("P0 and P1 begin", "red", f"{alerts} unless {before}", shown=shown),
        _mark("P0 and P1 end", "green", f"{before} unless {alerts}", shown=shown),
    ]


def _mark(name: str, colour: str, expression: str, *, shown: bool) -> AnnotationQuery:
    return _Marks(name=name, datasource=PROMETHEUS, enable=shown, icon_color=colour, expr=narrowed(expression))


class _Marks(AnnotationQuery):
    """An annotation query with the options of Prometheus, which the SDK's type lacks."""

    def to_json(self) -> dict[str, object]:
        """Return the object that is written."""
        title = "{{priority}} {{alertname}}"
        return {**super().to_json(), "step": _STEP, "titleFormat": title, "textFormat": "{{host}} {{service}}"}
