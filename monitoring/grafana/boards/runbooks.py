"""The runbooks as dashboards of one text each, so that every link of an alert opens in the browser."""

from __future__ import annotations

import re

from grafana_foundation_sdk.models.dashboard import Dashboard, Panel

from monitoring.grafana.boards import panels
from monitoring.grafana.boards.board import SCHEMA_VERSION
from monitoring.grafana.boards.everything import encoded
from monitoring.runbooks.__main__ import by_runbook
from monitoring.runbooks.text import GRAFANA

TAG = "white-room-runbook"
_HEIGHT = 30


def uid(alert: str) -> str:
    """Return the uid of the runbook of an alert. Notifications and the table of alerts link to it."""
    return f"runbook-{alert}"


def files() -> dict[str, str]:
    """Return the JSON of each runbook by the name of its file."""
    names = {file.name: of[0].name for file, of in by_runbook().items()}
    written = {}
    for file, of in by_runbook().items():
        board = _board(of[0].name, file.stem, _linked(file.read_text(), names))
        written[f"{board.uid}.json"] = encoded(board)
    return written


def _board(alert: str, title: str, content: str) -> Dashboard:
    panel = panels.markdown(content, _HEIGHT)
    panel.id_val = 1
    placed: list[Panel] = [panel]
    return Dashboard(
        schema_version=SCHEMA_VERSION, uid=uid(alert), title=title, tags=[TAG], editable=False, panels=[*placed]
    )


def _linked(text: str, names: dict[str, str]) -> str:
    """Return the text without marks and title, with links to the other runbooks in Grafana."""
    body = re.sub(r"<!-- /?\w+ -->\n+", "", text.partition("\n\n")[2])
    body = re.sub(r"\]\((\w+\.md)\)", lambda found: f"](/d/{uid(names[found[1]])})", body)
    return body.replace(f"{GRAFANA}/d/", "/d/")
