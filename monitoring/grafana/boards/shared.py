"""Panels that stand on two dashboards."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Panel

from monitoring.grafana.boards import limits, panels, units
from monitoring.grafana.boards.queries import series


def pressure() -> Panel:
    """What programs had to wait for."""
    return panels.graph(
        "Waiting for a resource",
        "Share of the time in which some program had to wait. HostUnderPressure fires above the line after 5 minutes.",
        series("host_resource:pressure:ratio_rate1m{@host}", "{{host}} {{resource}}"),
        unit=units.RATIO,
        bounds=limits.at_most(0.4),
    )


def channels() -> Panel:
    """What rendering costs, by channel."""
    return panels.graph(
        "Load by channel",
        "Share of a buffer's duration that a plugin takes to render a channel.",
        series(
            "max by (host, plugin, channel) (audio_channel_cpu_usage{@host})",
            "{{host}} {{plugin}} channel {{channel}}",
        ),
        unit=units.RATIO,
    )
