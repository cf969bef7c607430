"""The list of all dashboards, and their JSON."""

from __future__ import annotations

import json

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from monitoring.grafana.boards import alerts, application, business, studio_audio, system_health
from monitoring.grafana.boards.versions import for_grafana_10

DASHBOARDS: list[Dashboard] = [
    system_health.DASHBOARD,
    application.DASHBOARD,
    business.DASHBOARD,
    alerts.DASHBOARD,
    studio_audio.DASHBOARD,
]
"""All dashboards. Links and alerts rely on their uids."""


def files() -> dict[str, str]:
    """Return the JSON of each dashboard by the name of its file, which is its uid."""
    return {f"{it.uid}.json": encoded(it) for it in DASHBOARDS}


def encoded(board: Dashboard) -> str:
    """Return a dashboard as JSON."""
    written = json.loads(json.dumps(board, cls=JSONEncoder))
    return json.dumps(for_grafana_10(written), indent=2) + "\n"
