"""The kinds of panels, each with what is the same on every dashboard."""

from __future__ import annotations

from collections.abc import Sequence

from grafana_foundation_sdk.builders import bargauge, common, heatmap, logs, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.common import (
    BarGaugeDisplayMode,
    BigValueGraphMode,
    GraphDrawStyle,
    GraphThresholdsStyleMode,
    LegendDisplayMode,
    LegendPlacement,
    LogsSortOrder,
    SortOrder,
    StackingMode,
    TooltipDisplayMode,
    VisibilityMode,
    VizOrientation,
)
from grafana_foundation_sdk.models.dashboard import (
    DataSourceRef,
    DataTransformerConfig,
    FieldConfig,
    FieldConfigSource,
    GridPos,
    Panel,
    ThresholdsConfig,
)
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.loki import Dataquery as LokiQuery
from grafana_foundation_sdk.models.prometheus import Dataquery as PrometheusQuery

from monitoring.grafana.boards import limits, units
from monitoring.grafana.boards.links import LOGS_OF_SERIES
from monitoring.grafana.boards.queries import ALERTMANAGER_NAME, LOKI, PROMETHEUS

_NO_DATA = "not measured"


def _finished(panel: Panel, title: str, description: str, source: DataSourceRef, queries: Sequence[Dataquery]) -> Panel:
    panel.title, panel.description = title, description
    panel.datasource, panel.targets = source, [*queries]
    return panel


def _meaning(panel: Panel, unit: str, bounds: ThresholdsConfig = limits.NONE, no_data: str = _NO_DATA) -> FieldConfig:
    """What the panel's values mean, which can be said more exactly."""
    panel.field_config = panel.field_config or FieldConfigSource(FieldConfig(), [])
    meaning = panel.field_config.defaults
    meaning.unit, meaning.thresholds, meaning.no_value = unit, bounds, no_data
    return meaning


def _sized(panel: Panel, width: int, height: int) -> Panel:
    panel.grid_pos = GridPos(h=height, w=width)
    return panel


def graph(  # noqa: PLR0913 - what a graph is made of, each by its name
    title: str,
    description: str,
    *queries: PrometheusQuery,
    unit: str,
    bounds: ThresholdsConfig = limits.NONE,
    width: int = 8,
    stacked: bool = False,
    bars: bool = False,
) -> Panel:
    """Values over time; bounds are dashed lines."""
    lined = GraphThresholdsStyleMode.OFF if bounds is limits.NONE else GraphThresholdsStyleMode.DASHED
    builder = (
        timeseries.Panel()
        .draw_style(GraphDrawStyle.BARS if bars else GraphDrawStyle.LINE)
        .fill_opacity(60 if bars else 10)
        .show_points(VisibilityMode.NEVER)
        .stacking(common.StackingConfig().mode(StackingMode.NORMAL if stacked else StackingMode.NONE).group("A"))
        .thresholds_style(common.GraphThresholdsStyleConfig().mode(lined))
        .legend(_legend())
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING))
    )
    panel = _finished(builder.build(), title, description, PROMETHEUS, queries)
    meaning = _meaning(panel, unit, bounds)
    if all("{{host}}" in (query.legend_format or "") for query in queries):
        meaning.links = [LOGS_OF_SERIES]
    return _sized(panel, width, 8)


def _legend() -> common.VizLegendOptions:
    legend = common.VizLegendOptions().show_legend(show_legend=True).display_mode(LegendDisplayMode.LIST)
    return legend.placement(LegendPlacement.BOTTOM).calcs([])


def _last() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"]).values(values=False).fields("")


def number(
    title: str,
    description: str,
    *queries: PrometheusQuery,
    unit: str,
    bounds: ThresholdsConfig = limits.NONE,
    width: int = 4,
    decimals: int | None = None,
) -> Panel:
    """One value for each query's series, large."""
    builder = stat.Panel().reduce_options(_last()).graph_mode(BigValueGraphMode.NONE)
    panel = _finished(builder.build(), title, description, PROMETHEUS, queries)
    _meaning(panel, unit, bounds).decimals = decimals
    return _sized(panel, width, 4)


def bar_list(title: str, description: str, *queries: PrometheusQuery, unit: str, width: int = 8) -> Panel:
    """A bar for each series, to compare them as they are now."""
    builder = bargauge.Panel().reduce_options(_last()).display_mode(BarGaugeDisplayMode.BASIC)
    builder = builder.orientation(VizOrientation.HORIZONTAL)
    panel = _finished(builder.build(), title, description, PROMETHEUS, queries)
    _meaning(panel, unit)
    return _sized(panel, width, 8)


def distribution(title: str, description: str, query: PrometheusQuery, unit: str, width: int = 12) -> Panel:
    """A heat map of a histogram: for each bucket and time, how many observations fell there."""
    builder = (
        heatmap.Panel()
        .calculate(calculate=False)
        .y_axis(heatmap.YAxisConfig().unit(unit))
        .color(heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Oranges").steps(64))
        .mode(TooltipDisplayMode.SINGLE)
        .show_legend()
    )
    panel = _finished(builder.build(), title, description, PROMETHEUS, [query])
    _meaning(panel, units.COUNT)
    return _sized(panel, width, 9)


def up_or_down(title: str, description: str, *queries: PrometheusQuery, width: int = 8) -> Panel:
    """When each series was 1, and when 0."""
    builder = statetimeline.Panel().show_value(VisibilityMode.NEVER).merge_values(merge_values=True)
    panel = _finished(builder.build(), title, description, PROMETHEUS, queries)
    _meaning(panel, units.COUNT, limits.UP).mappings = limits.UP_OR_DOWN
    return _sized(panel, width, 8)


def listing(  # noqa: PLR0913 - what a table is made of, each by its name
    title: str,
    description: str,
    query: PrometheusQuery,
    columns: dict[str, str],
    *,
    unit: str = units.COUNT,
    no_data: str = _NO_DATA,
    width: int = 12,
) -> Panel:
    """A row for each series, in the order of the first column.

    Args:
        title: The panel's title.
        description: What it shows.
        query: One of `queries.rows`.
        columns: Headings by the labels that are shown, in order; `Value` is the value.
        unit: The values' unit.
        no_data: What stands there without a row.
        width: In columns of the grid, which has 24.
    """
    first = common.TableSortByFieldState().display_name(next(iter(columns.values()))).desc(desc=False)
    panel = _finished(table.Panel().sort_by([first]).build(), title, description, PROMETHEUS, [query])
    panel.transformations = [
        DataTransformerConfig("filterFieldsByName", options={"include": {"names": [*columns]}}),
        DataTransformerConfig(
            "organize",
            options={"indexByName": {name: at for at, name in enumerate(columns)}, "renameByName": columns},
        ),
    ]
    _meaning(panel, unit, no_data=no_data)
    return _sized(panel, width, 8)


def log_lines(title: str, description: str, query: LokiQuery) -> Panel:
    """Log lines, the newest first, as wide as the dashboard."""
    builder = logs.Panel().show_time(show_time=True).wrap_log_message(wrap_log_message=True)
    builder = builder.sort_order(LogsSortOrder.DESCENDING).enable_log_details(enable_log_details=True)
    return _sized(_finished(builder.build(), title, description, LOKI, [query]), 24, 10)


def alert_groups(title: str, description: str) -> Panel:
    """What Alertmanager knows of, as it groups it. The SDK has no types for this panel of Grafana's."""
    panel = Panel(type_val="alertGroups", options={"alertmanager": ALERTMANAGER_NAME, "expandAll": False, "labels": ""})
    panel.title, panel.description = title, description
    return _sized(panel, 24, 10)
