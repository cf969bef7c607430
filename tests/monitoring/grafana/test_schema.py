"""The dashboards' JSON: fields that the oldest supported Grafana knows, and nothing that a later one has to migrate."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from monitoring.grafana.boards import runbooks
from monitoring.grafana.boards.everything import files
from tests.support.dashboards import Board

WRITTEN = {name: json.loads(text) for name, text in (files() | runbooks.files()).items()}
OLDEST, NEWEST = 36, 43
"""The schemas of Grafana 10.0 and 13."""

KNOWN = set((Path(__file__).parent / "grafana_10_fields.txt").read_text().split())
OF_PROMETHEUS = {f"annotations.list[].{name}" for name in ("step", "textFormat", "titleFormat")}
"""Options of the Prometheus data source, which a dashboard's schema leaves open."""

each_board = pytest.mark.parametrize("board", WRITTEN.values(), ids=list(WRITTEN))


def _fields(board: Board) -> Iterator[str]:
    """Yield the path of each value; in panels, by their type."""
    for name, value in board.items():
        if name != "panels":
            yield from _paths(value, name)
    for panel in board["panels"]:
        yield from _paths(panel, panel["type"])


def _paths(value: object, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _paths(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from _paths(inner, f"{path}[]")
    else:
        yield path


@each_board
def test_grafana_10_knows_each_field(board: Board) -> None:
    assert board["schemaVersion"] == OLDEST
    assert set(_fields(board)) - OF_PROMETHEUS <= KNOWN


def test_each_listed_field_is_used() -> None:
    used = {field for board in WRITTEN.values() for field in _fields(board)}

    assert used >= KNOWN


def _legends(board: Board) -> bool:
    """Check that legends have the form of schema 37: hidden ones are lists. Heat maps have another form."""
    legends = [it["options"]["legend"] for it in board["panels"] if "displayMode" in _legend(it)]
    return all(it["displayMode"] == "list" and isinstance(it["showLegend"], bool) for it in legends)


def _legend(panel: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = panel.get("options", {}).get("legend", {})
    return found


def _cells(board: Board) -> bool:
    """Check that tables have the cell options of schema 38 instead of a display mode."""
    tables = [it["fieldConfig"] for it in board["panels"] if it["type"] == "table"]
    ids = {value["id"] for table in tables for override in table["overrides"] for value in override["properties"]}
    modes = [table["defaults"].get("custom", {}).get("displayMode") for table in tables]
    return "custom.displayMode" not in ids and not any(modes)


def _transformations(*outdated: str) -> Callable[[Board], bool]:
    def check(board: Board) -> bool:
        return {it["id"] for panel in board["panels"] for it in panel.get("transformations", [])}.isdisjoint(outdated)

    return check


def _refresh(board: Board) -> bool:
    return isinstance(board.get("refresh", ""), str)


def _time_picker(board: Board) -> bool:
    return "time_options" not in board.get("timepicker", {})


def _hidden(board: Board) -> bool:
    """Check that nothing is hidden from a graph and shown in its tooltip, which schema 42 changes."""
    overrides = [it for panel in board["panels"] for it in panel.get("fieldConfig", {}).get("overrides", [])]
    hidden = [it["value"] for one in overrides for it in one["properties"] if it["id"] == "custom.hideFrom"]
    return all(it.get("tooltip") for it in hidden if it.get("viz"))


MIGRATIONS: dict[int, Callable[[Board], bool]] = {
    37: _legends,
    38: _cells,
    39: _transformations("timeSeriesTable"),
    40: _refresh,
    41: _time_picker,
    42: _hidden,
    43: _transformations("formatTime"),
}
"""By schema version: a check that its migration leaves a dashboard as it is."""


@each_board
@pytest.mark.parametrize("version", range(OLDEST + 1, NEWEST + 1))
def test_a_dashboard_is_the_same_in_each_schema_version(board: Board, version: int) -> None:
    assert MIGRATIONS[version](board)
