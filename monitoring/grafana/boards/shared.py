"""Panels that two dashboards share."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Panel

from monitoring.grafana.boards import limits, panels, units
from monitoring.grafana.boards.queries import series


def pressure() -> Panel:
    """Return the graph of pressure stall information."""
    return panels.graph(
        "Pressure",
        "Share of time in which at least one process waited. HostUnderPressure fires above the line after 5 minutes.",
        series("host_resource:pressure:ratio_rate1m{@host}", "{{host}} {{resource}}"),
        unit=units.RATIO,
        limit=limits.at_most(0.4),
    )


def channels() -> Panel:
    """Return the graph of the render cost of each channel."""
    return panels.graph(
        "CPU load by channel",
        "Share of the buffer duration that a plugin needs to render a channel.",
        series(
            "max by (host, plugin, channel) (audio_channel_cpu_usage{@host})",
            "{{host}} {{plugin}} channel {{channel}}",
        ),
        unit=units.RATIO,
    )
