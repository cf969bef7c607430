"""The list of all dashboards, and their text as Grafana reads it from files."""

from __future__ import annotations

import json

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from monitoring.grafana.boards import alerts, application, business, studio_audio, system_health

DASHBOARDS: list[Dashboard] = [
    system_health.DASHBOARD,
    application.DASHBOARD,
    business.DASHBOARD,
    alerts.DASHBOARD,
    studio_audio.DASHBOARD,
]
"""All of them, each with a uid that links and alerts rely on."""


def files() -> dict[str, str]:
    """The JSON of every dashboard by the name of its file, which is its uid."""
    return {f"{it.uid}.json": json.dumps(it, cls=JSONEncoder, indent=2) + "\n" for it in DASHBOARDS}
