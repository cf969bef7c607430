"""The families of docs/instrumentation.md that `stage_app` lacks, with rising values."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_PAUSE = 0.1


class Reported(NamedTuple):
    """One family with the labels of its one series.

    Attributes:
        kind: Its type. Histograms observe `value` repeatedly, counters rise by it, gauges have it.
    """

    kind: type[Counter | Gauge | Histogram]
    labels: Mapping[str, str]
    value: float


_OF_SERVICE = {"service": "juce-backend"}

ENGINE = {
    "audio_engine_render_time_seconds": Reported(Histogram, {}, 0.002),
    "audio_engine_buffer_duration_seconds": Reported(Gauge, {}, 256 / 48_000),
    "audio_engine_xruns_total": Reported(Counter, {"source": "engine"}, 1),
    "audio_engine_resident_memory_bytes": Reported(Gauge, {}, 3e8),
    "audio_channel_cpu_usage": Reported(Gauge, {"channel": "1"}, 0.3),
    "ffi_errors_total": Reported(
        Counter, {"function": "sch_engine_set_performance_blend", "code": "SCH_ERR_REJECTED"}, 0.01
    ),
}

APP = {
    "ui_frame_rate": Reported(Gauge, {}, 60),
    "ui_render_time_seconds": Reported(Histogram, {}, 0.008),
    "ui_transition_duration_seconds": Reported(Histogram, {}, 0.3),
    "ui_interaction_time_seconds": Reported(Histogram, {}, 0.05),
    "user_actions_total": Reported(Counter, {"action": "switch_performance"}, 1),
    "song_load_duration_seconds": Reported(Histogram, {}, 0.7),
    "export_duration_seconds": Reported(Histogram, {}, 4),
    "active_sessions": Reported(Gauge, {}, 3),
    "app_errors_total": Reported(Counter, {"type": "network"}, 0.1),
    "authentication_failures_total": Reported(Counter, _OF_SERVICE, 0.1),
    "deployment_version": Reported(Gauge, _OF_SERVICE | {"version": "1.4.2"}, 1),
    "http_requests_total": Reported(Counter, _OF_SERVICE | {"status": "200"}, 1),
    "http_request_duration_seconds": Reported(Histogram, _OF_SERVICE, 0.02),
    "http_active_connections": Reported(Gauge, _OF_SERVICE, 7),
}


@contextlib.contextmanager
def reporting(registry: CollectorRegistry, families: Mapping[str, Reported]) -> Iterator[None]:
    """Change these families of a served registry until the end."""
    series = [(_series(name, family, registry), family.value) for name, family in families.items()]
    ended = threading.Event()

    def report() -> None:
        while not ended.wait(_PAUSE):
            for one, value in series:
                _report(one, value)

    reporter = threading.Thread(target=report)
    reporter.start()
    try:
        yield
    finally:
        ended.set()
        reporter.join()


def _series(name: str, family: Reported, registry: CollectorRegistry) -> Counter | Gauge | Histogram:
    made = family.kind(name, name, [*family.labels], registry=registry)
    return made.labels(**family.labels) if family.labels else made


def _report(series: Counter | Gauge | Histogram, value: float) -> None:
    if isinstance(series, Counter):
        series.inc(value)
    elif isinstance(series, Gauge):
        series.set(value)
    else:
        series.observe(value)
