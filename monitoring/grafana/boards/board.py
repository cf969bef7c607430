"""The assembly of a dashboard: variables, links, rows of panels, and marks of incidents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from string import ascii_uppercase
from typing import NamedTuple

from grafana_foundation_sdk.models.dashboard import (
    AnnotationContainer,
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

from monitoring.grafana.boards import incidents, links
from monitoring.grafana.boards.variables import CLUSTER, ENVIRONMENT, HOST

SCHEMA_VERSION = 36
"""The schema of Grafana 10. Newer versions migrate it when they load it."""

_WIDTH = 24  # columns of Grafana's grid


class Row(NamedTuple):
    """Panels under one heading, placed from left to right in lines."""

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
    """Return a dashboard.

    Args:
        uid: Its permanent name. Links and alerts rely on it.
        title: Its title.
        description: Its description.
        variables: Its variables, in addition to cluster and environment.
        rows: Its rows, from top to bottom.
        span: The beginning of its default time range.
    """
    by_host = HOST in variables
    return Dashboard(
        schema_version=SCHEMA_VERSION,
        uid=uid,
        title=title,
        description=description,
        tags=[links.TAG],
        editable=False,
        graph_tooltip=DashboardCursorSync.CROSSHAIR,
        time=DashboardDashboardTime(span, "now"),
        refresh="30s",
        templating=DashboardDashboardTemplating([CLUSTER, ENVIRONMENT, *variables]),
        annotations=AnnotationContainer(incidents.marks(shown=by_host)),
        links=[links.other_dashboards(), *([links.logs("Logs of these hosts", "${host:pipe}")] if by_host else [])],
        panels=[*_placed(rows)],
    )


def _placed(rows: Sequence[Row]) -> Iterator[Panel | RowPanel]:
    """Yield headings and panels with their numbers and places."""
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
