"""The app in front of the engine: a part of the dashboard of the application."""

from __future__ import annotations

from grafana_foundation_sdk.models.prometheus import Dataquery

from monitoring.grafana.boards import limits, panels, units
from monitoring.grafana.boards.board import Row
from monitoring.grafana.boards.queries import series


def _p95(histogram: str, legend: str) -> Dataquery:
    """What one observation in twenty of each host takes or exceeds."""
    rate = f"rate({histogram}_bucket{{@host}}[$__rate_interval])"
    return series(f"histogram_quantile(0.95, sum by (host, le) ({rate}))", legend)


FRONT_END = Row(
    "The app",
    [
        panels.graph(
            "Frame rate",
            "Frames a second, of the slowest instance. FrameRateLow fires below the line after 2 minutes.",
            series("min by (host) (ui_frame_rate{@host})", "{{host}}"),
            unit=units.FRAMES_PER_SECOND,
            bounds=limits.at_least(30),
        ),
        panels.graph(
            "Drawing and reacting",
            "What one in twenty takes or exceeds: drawing a frame, a transition, the answer to an action.",
            _p95("ui_render_time_seconds", "{{host}} frame"),
            _p95("ui_transition_duration_seconds", "{{host}} transition"),
            _p95("ui_interaction_time_seconds", "{{host}} answer"),
            unit=units.SECONDS,
        ),
        panels.graph(
            "Loading and exporting",
            "What one song in twenty takes or exceeds.",
            _p95("song_load_duration_seconds", "{{host}} loading"),
            _p95("export_duration_seconds", "{{host}} exporting"),
            unit=units.SECONDS,
        ),
        panels.graph(
            "Actions",
            "What users did, a second.",
            series("sum by (action) (rate(user_actions_total{@host}[$__rate_interval]))", "{{action}}"),
            unit=units.PER_SECOND,
        ),
        panels.graph(
            "Errors",
            "Errors of the app a second, by type.",
            series("sum by (host, type) (rate(app_errors_total{@host}[$__rate_interval]))", "{{host}} {{type}}"),
            unit=units.PER_SECOND,
        ),
        panels.graph(
            "Open sessions",
            "Sessions that are open now.",
            series("sum by (host) (active_sessions{@host})", "{{host}}"),
            unit=units.COUNT,
        ),
    ],
)
