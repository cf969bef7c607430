"""The kinds of panels, with the options that all dashboards share."""

from __future__ import annotations

from collections.abc import Sequence

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    heatmap,
    logs,
    stat,
    statetimeline,
    table,
    text,
    timeseries,
)
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
    DashboardFieldConfigSourceOverrides,
    DashboardLink,
    DataSourceRef,
    DataTransformerConfig,
    DynamicConfigValue,
    FieldConfig,
    FieldConfigSource,
    GridPos,
    MatcherConfig,
    Panel,
    ThresholdsConfig,
    ValueMapping,
)
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.loki import Dataquery as LokiQuery
from grafana_foundation_sdk.models.prometheus import Dataquery as PrometheusQuery
from grafana_foundation_sdk.models.text import TextMode

from monitoring.grafana.boards import limits, units
from monitoring.grafana.boards.limits import Limit
from monitoring.grafana.boards.links import LOGS_OF_SERIES
from monitoring.grafana.boards.queries import LOKI, PROMETHEUS, highest, lowest

_NO_DATA = "not measured"

_POINTS = 240
"""The most points of a series over time: an hour at the interval of scrapes. Grafana's default is one per pixel."""


def _finished(panel: Panel, title: str, description: str, source: DataSourceRef, queries: Sequence[Dataquery]) -> Panel:
    panel.title, panel.description = title, description
    panel.datasource, panel.targets = source, [*queries]
    if any(isinstance(query, PrometheusQuery) and query.range_val for query in queries):
        panel.max_data_points = _POINTS
    return panel


def _meaning(panel: Panel, unit: str, colours: ThresholdsConfig, no_data: str = _NO_DATA) -> FieldConfig:
    """Return the panel's field options, with unit, colours and the text that stands for no data."""
    panel.field_config = panel.field_config or FieldConfigSource(FieldConfig(), [])
    meaning = panel.field_config.defaults
    meaning.unit, meaning.thresholds, meaning.no_value = unit, colours, no_data
    return meaning


def _sized(panel: Panel, width: int, height: int) -> Panel:
    panel.grid_pos = GridPos(h=height, w=width)
    return panel


def graph(  # noqa: PLR0913 - the options of a graph, each by its name
    title: str,
    description: str,
    *queries: PrometheusQuery,
    unit: str,
    limit: Limit | None = None,
    width: int = 8,
    stacked: bool = False,
    bars: bool = False,
) -> Panel:
    """Return a graph of values over time. A limit is a dashed red line. Of hosts, it shows the ten extreme series."""
    lined = GraphThresholdsStyleMode.OFF if limit is None else GraphThresholdsStyleMode.DASHED
    of_hosts = [query for query in queries if "{{host}}" in (query.legend_format or "")]
    for query in of_hosts:
        query.expr = highest(query.expr) if limit is None or limit.above else lowest(query.expr)
    builder = (
        timeseries.Panel()
        .draw_style(GraphDrawStyle.BARS if bars else GraphDrawStyle.LINE)
        .fill_opacity(60 if bars else 10 if stacked else 0)
        .show_points(VisibilityMode.NEVER)
        .stacking(common.StackingConfig().mode(StackingMode.NORMAL if stacked else StackingMode.NONE).group("A"))
        .thresholds_style(common.GraphThresholdsStyleConfig().mode(lined))
        .legend(_legend())
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING))
    )
    shown = f"{description} The ten most extreme series are shown." if of_hosts else description
    panel = _finished(_scaled(builder, unit, limit).build(), title, shown, PROMETHEUS, queries)
    meaning = _meaning(panel, unit, limits.line(limit))
    if len(of_hosts) == len(queries):
        meaning.links = [LOGS_OF_SERIES]
    return _sized(panel, width, 8)


def _scaled(builder: timeseries.Panel, unit: str, limit: Limit | None) -> timeseries.Panel:
    """Set the axis: from 0, with whole numbers for counts; decibels from -120 to 0."""
    if unit == units.DECIBEL:
        return builder.min(-120).max(0)
    soft = units.SOFT_MAXIMUM.get(unit)
    if limit is not None and unit != units.RATIO:
        soft = limit.bound * 1.1
    builder = builder.min(0)
    if unit == units.COUNT:
        builder = builder.decimals(0)
    return builder if soft is None else builder.axis_soft_max(soft)


def _legend() -> common.VizLegendOptions:
    legend = common.VizLegendOptions().show_legend(show_legend=True).display_mode(LegendDisplayMode.LIST)
    return legend.placement(LegendPlacement.BOTTOM).calcs([])


def _last() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"]).values(values=False).fields("")


def number(  # noqa: PLR0913 - the options of a number, each by its name
    title: str,
    description: str,
    *queries: PrometheusQuery,
    unit: str,
    limit: Limit | None = None,
    width: int = 4,
    decimals: int | None = None,
    no_data: str = _NO_DATA,
) -> Panel:
    """Return one large value for each series. A query over time adds its trend."""
    trend = BigValueGraphMode.NONE if all(query.instant for query in queries) else BigValueGraphMode.AREA
    builder = stat.Panel().reduce_options(_last()).graph_mode(trend)
    panel = _finished(builder.build(), title, description, PROMETHEUS, queries)
    meaning = _meaning(panel, unit, limits.colours(limit), no_data)
    meaning.decimals, meaning.min_val = decimals, 0
    meaning.mappings = [limits.missing(no_data)]
    return _sized(panel, width, 4)


def bar_list(  # noqa: PLR0913 - the options of a bar list, each by its name
    title: str,
    description: str,
    *queries: PrometheusQuery,
    unit: str,
    width: int = 8,
    decimals: int | None = None,
    link: DashboardLink | None = None,
    no_data: str = _NO_DATA,
) -> Panel:
    """Return a bar for each series, from 0. A link applies to each bar."""
    builder = bargauge.Panel().reduce_options(_last()).display_mode(BarGaugeDisplayMode.BASIC)
    builder = builder.orientation(VizOrientation.HORIZONTAL)
    panel = _finished(builder.build(), title, description, PROMETHEUS, queries)
    meaning = _meaning(panel, unit, limits.colours(None), no_data)
    meaning.min_val, meaning.decimals = 0, decimals
    meaning.links = [link] if link else None
    return _sized(panel, width, 8)


def distribution(title: str, description: str, query: PrometheusQuery, unit: str, width: int = 12) -> Panel:
    """Return a heat map of a histogram: the observations by bucket and time."""
    builder = (
        heatmap.Panel()
        .calculate(calculate=False)
        .y_axis(heatmap.YAxisConfig().unit(unit))
        .color(heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Oranges").steps(64))
        .mode(TooltipDisplayMode.SINGLE)
        .show_legend()
    )
    panel = _finished(builder.build(), title, description, PROMETHEUS, [query])
    _meaning(panel, units.NUMBER, limits.colours(None))
    return _sized(panel, width, 9)


def states(  # noqa: PLR0913 - the options of a state timeline, each by its name
    title: str,
    description: str,
    *queries: PrometheusQuery,
    words: list[ValueMapping] = limits.UP_OR_DOWN,
    worst: bool = False,
    no_data: str = _NO_DATA,
    width: int = 8,
    height: int = 8,
) -> Panel:
    """Return the states of each series over time, by default up and down; of the worst, the ten lowest series."""
    if worst:
        description = f"{description} The ten worst are shown."
        for query in queries:
            query.expr = lowest(query.expr)
    builder = statetimeline.Panel().show_value(VisibilityMode.NEVER).merge_values(merge_values=True)
    panel = _finished(builder.build(), title, description, PROMETHEUS, queries)
    _meaning(panel, units.NUMBER, limits.colours(limits.UP), no_data).mappings = words
    return _sized(panel, width, height)


def listing(  # noqa: PLR0913 - the options of a table, each by its name
    title: str,
    description: str,
    query: PrometheusQuery,
    columns: dict[str, str],
    *,
    unit: str = units.COUNT,
    no_data: str = _NO_DATA,
    width: int = 12,
    height: int = 8,
    options: dict[str, list[DynamicConfigValue]] | None = None,
) -> Panel:
    """Return a table with a row for each series, sorted by the first column.

    Args:
        title: The panel's title.
        description: Its description.
        query: A query of `queries.rows`.
        columns: Headings by label, in order. `Value` is the value.
        unit: The unit of the values.
        no_data: The text that a table without rows shows. An empty cell stays empty.
        width: Columns of the grid, of 24.
        height: Rows of the grid.
        options: Further options by heading, such as links.
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
    _meaning(panel, unit, limits.colours(None), no_data)
    if panel.field_config is not None:
        panel.field_config.overrides = [
            DashboardFieldConfigSourceOverrides(
                MatcherConfig("byName", heading),
                [DynamicConfigValue("noValue", " "), *(options or {}).get(heading, [])],
            )
            for heading in columns.values()
        ]
    return _sized(panel, width, height)


def log_lines(title: str, description: str, query: LokiQuery) -> Panel:
    """Return log lines, the newest first, as wide as the dashboard."""
    builder = logs.Panel().show_time(show_time=True).wrap_log_message(wrap_log_message=True)
    builder = builder.sort_order(LogsSortOrder.DESCENDING).enable_log_details(enable_log_details=True)
    return _sized(_finished(builder.build(), title, description, LOKI, [query]), 24, 10)


def markdown(content: str, height: int) -> Panel:
    """Return a text as wide as the dashboard."""
    return _sized(text.Panel().mode(TextMode.MARKDOWN).content(content).build(), 24, height)
