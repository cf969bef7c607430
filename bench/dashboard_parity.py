"""The expressions of a Grafana dashboard that return data from node_exporter, and those that do from the agent too.

Run: python -m bench.dashboard_parity FILE

FILE is the JSON of a dashboard that was made for node_exporter, such as "Node Exporter Full". A real Prometheus scrapes
both as two instances of one job, and every expression is asked of it for each of them.
"""

from __future__ import annotations

import contextlib
import json
import re
import sys
import tempfile
import time
import urllib.error
from collections.abc import Iterator
from pathlib import Path

from bench.table import machine, table
from tests.support.agent import agent
from tests.support.node_exporter import node_exporter
from tests.support.prometheus import Prometheus, prometheus
from tests.support.waiting import eventually

SCRAPES_SECONDS = 15
"""Seconds for which both are scraped: rates over some seconds then have data."""

VARIABLES = {
    "$__rate_interval": "10s",
    "$__interval": "10s",
    "$__range": "10s",
    "$interval": "10s",
    "$job": "wr-agent",
    "$diskdevices": ".*",
    "$show": "",
}
"""Grafana's variables, and those of "Node Exporter Full" that are not the instance."""

_INSTANCE = ("$node", "$instance", "$nodename")


def expressions(dashboard: object) -> Iterator[str]:
    """Return every `expr` of a dashboard's document once."""
    found: dict[str, None] = {}
    waiting = [dashboard]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if isinstance(expression := part.get("expr"), str) and expression:
                found[expression] = None
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)
    return iter(found)


def asked_of(expression: str, instance: str) -> str:
    """Return the expression with its variables filled in, `${name}` and `${name:format}` being `$name`."""
    text = re.sub(r"\$\{(\w+)(?::\w+)?\}", r"$\1", expression)
    for variable, value in {**VARIABLES, **dict.fromkeys(_INSTANCE, instance)}.items():
        text = re.sub(rf"{re.escape(variable)}\b", value, text)
    return text


def has_data(server: Prometheus, query: str) -> bool:
    """Tell if the query gives a series; one that Prometheus refuses does not."""
    with contextlib.suppress(urllib.error.HTTPError):
        return bool(server.query(query))
    return False


def main() -> None:
    """Scrape both, ask everything, and print the table and what is missing."""
    wanted = list(expressions(json.loads(Path(sys.argv[1]).read_text())))
    with tempfile.TemporaryDirectory() as folder, agent(Path(folder)) as ours, node_exporter() as theirs:
        mine, other = (url.removeprefix("http://").split("/")[0] for url in (ours.url, theirs.url))
        with prometheus(Path(folder), mine, other) as server:
            eventually(lambda: len(server.query("up == 1")) == len((mine, other)), "Prometheus scrapes both")
            time.sleep(SCRAPES_SECONDS)
            here = {expression for expression in wanted if has_data(server, asked_of(expression, mine))}
            there = {expression for expression in wanted if has_data(server, asked_of(expression, other))}
    rows = [
        ["expressions", str(len(wanted))],
        ["with data from node_exporter", str(len(there))],
        ["of these with data from the agent", str(len(there & here))],
        ["with data from the agent alone", str(len(here - there))],
    ]
    print(f"{machine()}\n")
    print(table(["", "number"], rows))
    for expression in sorted(there - here):
        print(f"missing: {expression}")


if __name__ == "__main__":
    main()
