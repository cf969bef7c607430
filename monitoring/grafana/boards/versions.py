"""The fields that the SDK writes and that Grafana 10 does not know. All are defaults of later versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_LATER_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "bargauge": ("legend", "maxVizHeight", "namePlacement", "sizing"),
    "heatmap": ("selectionMode",),
    "logs": ("showLogContextToggle",),
    "stat": ("percentChangeColorMode", "showPercentChange", "wideLayout"),
    "state-timeline": ("perPage",),
}


def for_grafana_10(board: dict[str, Any]) -> dict[str, Any]:
    """Remove the fields of later versions from a dashboard, and return it."""
    for panel in board["panels"]:
        for name in _LATER_OPTIONS.get(panel["type"], ()):
            panel["options"].pop(name, None)
        if panel["type"] == "heatmap":
            panel["options"]["tooltip"].pop("mode", None)
    for variable in board.get("templating", {}).get("list", []):
        variable.pop("allowCustomValue", None)
    for note in board.get("annotations", {}).get("list", []):
        note.pop("builtIn", None)
    return board
