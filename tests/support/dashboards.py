"""The committed dashboards, and the queries that Grafana makes for them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tests.support.monitoring import MONITORING

FILES = sorted((MONITORING / "grafana/dashboards").glob("*.json"))

Board = dict[str, Any]


class Question(NamedTuple):
    """One query of a dashboard.

    Attributes:
        board: The dashboard's uid.
        where: The panel's title, or the variable's or annotation's name, with the query's letter.
        source: The type of its data source.
        text: The query, with the dashboard's variables in it.
        instant: True if it is for one point in time only.
        points: The most points of a series, if the panel limits them.
    """

    board: str
    where: str
    source: str
    text: str
    instant: bool
    points: int | None = None


def boards() -> dict[str, Board]:
    """Return all dashboards by their uid."""
    read = [json.loads(file.read_text()) for file in FILES]
    return {board["uid"]: board for board in read}


def panels(board: Board) -> list[dict[str, Any]]:
    """Yield its panels without the headings of rows."""
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def questions() -> Iterator[Question]:
    """Yield all queries of panels and annotations."""
    for uid, board in boards().items():
        for panel in panels(board):
            for query in panel.get("targets", []):
                where = f"{panel['title']} {query['refId']}"
                source, instant = query["datasource"]["type"], query.get("instant", False)
                yield Question(uid, where, source, query["expr"], instant, panel.get("maxDataPoints"))
        for note in board["annotations"]["list"]:
            yield Question(uid, note["name"], note["datasource"]["type"], note["expr"], instant=False)


def variables(board: Board) -> dict[str, dict[str, Any]]:
    """Return its variables by name."""
    return {variable["name"]: variable for variable in board["templating"]["list"]}


def label_values(query: str) -> tuple[str, str]:
    """Return selector and label of a variable's query `label_values(SELECTOR, LABEL)`."""
    found = re.fullmatch(r"label_values\((.+), (\w+)\)", query)
    assert found, f"expected label_values(SELECTOR, LABEL), got {query}"
    return found[1], found[2]


def filled_in(text: str, values: Mapping[str, str]) -> str:
    """Return a query with a value in the place of each `$name`, as Grafana sends it. All of them must be known."""
    for name in sorted(values, key=len, reverse=True):
        text = text.replace(f"${name}", values[name])
    assert not re.search(r"\$(?!\d)", text), f"no value for a variable of {text}"
    return text
