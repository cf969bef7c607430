"""Puts a dashboard together: its variables, its links, its rows of panels, and the incidents of its time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from string import ascii_uppercase
from typing import NamedTuple

from grafana_foundation_sdk.models.dashboard import (
    AnnotationContainer,
    AnnotationQuery,
    Dashboard,
    DashboardCursorSync,
    DashboardDashboardTemplating,
    DashboardDashboardTime,
    GridPos,
    Panel,
    RowPanel,
    VariableModel,
)
from grafana_foundation_sdk.models.loki import Dataquery as LokiQuery
from grafana_foundation_sdk.models.prometheus import Dataquery as PrometheusQuery

from monitoring.grafana.boards import links
from monitoring.grafana.boards.queries import PROMETHEUS, narrowed
from monitoring.grafana.boards.variables import CLUSTER, ENVIRONMENT, HOST

_WIDTH = 24  # columns of Grafana's grid


class Row(NamedTuple):
    """Panels under one heading, from left to right, and on below when a line is full."""

    title: str
    panels: Sequence[Panel]


def board(
    uid: str,
    title: str,
    description: str,
    variables: Sequence[VariableModel],
    rows: Sequence[Row],
    *,
    span: str = "now-1h",
) -> Dashboard:
    """A dashboard.

    Args:
        uid: Its name for ever: links and alerts rely on it.
        title: What a person calls it.
        description: What it tells.
        variables: What it can be narrowed to, beside cluster and environment.
        rows: What it shows, from top to bottom.
        span: The beginning of the time that it shows at first.
    """
    by_host = HOST in variables
    return Dashboard(
        uid=uid,
        title=title,
        description=description,
        tags=[links.TAG],
        editable=False,
        graph_tooltip=DashboardCursorSync.CROSSHAIR,
        time=DashboardDashboardTime(span, "now"),
        refresh="30s",
        templating=DashboardDashboardTemplating([CLUSTER, ENVIRONMENT, *variables]),
        annotations=AnnotationContainer([_incidents("@host" if by_host else "@site")]),
        links=[links.other_dashboards(), *([links.logs("Logs of these hosts", "${host:pipe}")] if by_host else [])],
        panels=[*_placed(rows)],
    )


def _placed(rows: Sequence[Row]) -> Iterator[Panel | RowPanel]:
    """Headings and panels with their numbers and places."""
    number = y = 0
    for row in rows:
        number += 1
        yield RowPanel(title=row.title, id_val=number, grid_pos=GridPos(h=1, w=_WIDTH, x=0, y=y))
        x, y, bottom = 0, y + 1, y + 1
        for panel in row.panels:
            number += 1
            width, height = _size(panel)
            if x + width > _WIDTH:
                x, y = 0, bottom
            panel.id_val, panel.grid_pos = number, GridPos(h=height, w=width, x=x, y=y)
            x, bottom = x + width, max(bottom, y + height)
            _number_queries(panel)
            yield panel
        y = bottom


def _size(panel: Panel) -> tuple[int, int]:
    if panel.grid_pos is None:
        raise ValueError(f"expected a panel with a size, got none: {panel.title}")
    return panel.grid_pos.w, panel.grid_pos.h


def _number_queries(panel: Panel) -> None:
    for letter, query in zip(ascii_uppercase, panel.targets or [], strict=False):
        if isinstance(query, PrometheusQuery | LokiQuery):
            query.ref_id = letter


def _incidents(selector: str) -> AnnotationQuery:
    """Marks the times at which alerts were firing."""
    expression = f'ALERTS{{alertstate="firing",alertname!="DeadMansSwitch",{selector}}}'
    return AnnotationQuery(
        name="Incidents", datasource=PROMETHEUS, enable=True, icon_color="red", expr=narrowed(expression)
    )
