"""Where a dashboard, and a series in it, lead to."""

from __future__ import annotations

import json
from urllib.parse import quote

from grafana_foundation_sdk.models.dashboard import DashboardLink, DashboardLinkType

from monitoring.grafana.boards.queries import LOKI

TAG = "white-room"
"""What all dashboards have in common."""


def other_dashboards() -> DashboardLink:
    """All of them, with the same time, and the same variables where they have them."""
    return DashboardLink(
        title="White Room",
        type_val=DashboardLinkType.DASHBOARDS,
        icon="external link",
        tags=[TAG],
        include_vars=True,
        keep_time=True,
    )


def logs(title: str, hosts: str) -> DashboardLink:
    """Loki's lines of the same time, in Explore.

    Args:
        title: What the link is called.
        hosts: Grafana's variable that names the hosts, as plain text and not as a regular expression, whose backslashes
            would have to be escaped once more within JSON.
    """
    query = {"refId": "A", "expr": '{host=~"$HOSTS"}', "datasource": {"type": LOKI.type_val, "uid": LOKI.uid}}
    pane = {"datasource": LOKI.uid, "queries": [query], "range": {"from": "$FROM", "to": "$TO"}}
    panes = quote(json.dumps({"logs": pane}, separators=(",", ":")), safe="$")
    for name, variable in {"$HOSTS": hosts, "$FROM": "${__from}", "$TO": "${__to}"}.items():
        panes = panes.replace(name, variable)
    url = f"/explore?schemaVersion=1&panes={panes}"
    return DashboardLink(title=title, type_val=DashboardLinkType.LINK, icon="doc", url=url, target_blank=True)


LOGS_OF_SERIES = logs("Logs of ${__field.labels.host}", "${__field.labels.host}")
"""Offered by each series of a host."""
