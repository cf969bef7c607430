"""The links of a dashboard and of its series."""

from __future__ import annotations

import json
from urllib.parse import quote

from grafana_foundation_sdk.models.dashboard import DashboardLink, DashboardLinkType

from monitoring.grafana.boards.queries import LOKI

TAG = "white-room"
"""The tag of all dashboards."""


def other_dashboards() -> DashboardLink:
    """Return the menu of all dashboards, which keeps the time and the common variables."""
    return DashboardLink(
        title="White Room",
        type_val=DashboardLinkType.DASHBOARDS,
        icon="external link",
        tags=[TAG],
        include_vars=True,
        keep_time=True,
    )


def logs(title: str, hosts: str) -> DashboardLink:
    """Return a link to the log lines of the same time in Explore. Its parameter `panes` needs Grafana 10.

    Args:
        title: The link's title.
        hosts: Grafana's variable of the hosts as plain text: JSON would escape the backslashes of a regular expression.
    """
    query = {"refId": "A", "expr": '{host=~"$HOSTS"}', "datasource": {"type": LOKI.type_val, "uid": LOKI.uid}}
    pane = {"datasource": LOKI.uid, "queries": [query], "range": {"from": "$FROM", "to": "$TO"}}
    panes = quote(json.dumps({"logs": pane}, separators=(",", ":")), safe="$")
    for name, variable in {"$HOSTS": hosts, "$FROM": "${__from}", "$TO": "${__to}"}.items():
        panes = panes.replace(name, variable)
    url = f"/explore?schemaVersion=1&panes={panes}"
    return DashboardLink(title=title, type_val=DashboardLinkType.LINK, icon="doc", url=url, target_blank=True)


def to(title: str, url: str) -> DashboardLink:
    """Return a link of a field to another dashboard."""
    return DashboardLink(title=title, type_val=DashboardLinkType.LINK, url=url)


LOGS_OF_SERIES = logs("Logs of ${__field.labels.host}", "${__field.labels.host}")
"""The link that each series of a host offers."""
