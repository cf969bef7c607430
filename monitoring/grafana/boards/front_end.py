"""The app in front of the engine: a part of Application Performance."""

from __future__ import annotations

from grafana_foundation_sdk.models.prometheus import Dataquery

from monitoring.grafana.boards import limits, panels, units
from monitoring.grafana.boards.board import Row
from monitoring.grafana.boards.queries import series


def _p95(histogram: str, legend: str) -> Dataquery:
    """Return the query of a histogram's recorded P95 by host."""
    return series(f"host:{histogram}:p95_rate5m{{@host}}", legend)


FRONT_END = Row(
    "App",
    [
        panels.graph(
            "Frame rate",
            "Frames per second of the slowest instance. FrameRateLow fires below the line after 2 minutes.",
            series("min by (host) (ui_frame_rate{@host} > 0)", "{{host}}"),
            unit=units.FRAMES_PER_SECOND,
            limit=limits.at_least(30),
        ),
        panels.graph(
            "UI latency (P95)",
            "P95 time of a frame, of a transition and of a response to an action.",
            _p95("ui_render_time_seconds", "{{host}} frame"),
            _p95("ui_transition_duration_seconds", "{{host}} transition"),
            _p95("ui_interaction_time_seconds", "{{host}} interaction"),
            unit=units.SECONDS,
        ),
        panels.graph(
            "Song load and export time (P95)",
            "P95 time of loading and of exporting a song.",
            _p95("song_load_duration_seconds", "{{host}} load"),
            _p95("export_duration_seconds", "{{host}} export"),
            unit=units.SECONDS,
        ),
        panels.graph(
            "User actions",
            "User actions per second by action.",
            series("sum by (action) (rate(user_actions_total{@host}[$__rate_interval]))", "{{action}}"),
            unit=units.PER_SECOND,
        ),
        panels.graph(
            "App errors",
            "Errors of the app per second by type.",
            series("sum by (host, type) (rate(app_errors_total{@host}[$__rate_interval]))", "{{host}} {{type}}"),
            unit=units.PER_SECOND,
        ),
        panels.graph(
            "Active sessions by host",
            "Sessions that are open.",
            series("sum by (host) (active_sessions{@host})", "{{host}}"),
            unit=units.COUNT,
        ),
    ],
)
