"""A simulated service as a process of its own, which an agent polls.

Run: python -m monitoring.drill.service NAME SERVICE SOCKET_DIRECTORY

SIGUSR1 makes its FFI calls slow, SIGUSR2 makes them fast again. SIGTERM ends it cleanly.
"""

from __future__ import annotations

import random
import signal
import sys
import threading
import time
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from clients.python.white_room_metrics import serving

FAST_SECONDS, SLOW_SECONDS = 0.002, 0.3
_PAUSE_SECONDS = 0.05
_BUFFER_SECONDS = 256 / 48_000
_FUNCTIONS = ("sch_engine_load_song", "sch_engine_set_performance_blend", "sch_engine_push_command")


class Service:
    """The metrics of a service with an engine, and the work that changes them."""

    def __init__(self, service: str) -> None:
        self.registry = CollectorRegistry()
        self.call_seconds = FAST_SECONDS
        self.ended = threading.Event()
        self._service = service
        self._calls = self._counter("ffi_calls_total", "FFI calls.", "function")
        self._call_seconds = self._histogram("ffi_call_duration_seconds", "Duration of FFI calls.", "function")
        self._errors = self._counter("ffi_errors_total", "FFI calls that returned an error.", "function", "code")
        self._render = self._histogram("audio_engine_render_time_seconds", "Time to render a buffer.")
        self._requests = self._counter("http_requests_total", "Requests.", "service", "status")
        self._latency = self._histogram("http_request_duration_seconds", "Duration of requests.", "service")
        self._songs = self._counter("songs_created_total", "Songs created.")
        self._features = self._counter("feature_usage_total", "Feature usage.", "feature")
        self._gauge("deployment_version", "The deployed version.", "service", "version").labels(service, "1.0.0").set(1)
        self._gauge("audio_engine_buffer_duration_seconds", "Duration of a buffer.").set(_BUFFER_SECONDS)
        self._gauge("ui_frame_rate", "Frames per second.").set(60)
        self._gauge("active_users_total", "Users active within a day.").set(25)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, *labels: str) -> Histogram:
        return Histogram(name, text, labels, registry=self.registry)

    def work(self) -> None:
        """Call functions, render buffers and serve requests until the service ends."""
        while not self.ended.wait(_PAUSE_SECONDS):
            function = random.choice(_FUNCTIONS)  # noqa: S311 - no secret
            started = time.monotonic()
            time.sleep(self.call_seconds)
            took = time.monotonic() - started
            self._calls.labels(function).inc()
            self._call_seconds.labels(function).observe(took)
            self._errors.labels(function, "SCH_ERR_REJECTED").inc(0)
            self._render.observe(random.uniform(0.001, 0.003))  # noqa: S311
            self._requests.labels(self._service, "200").inc()
            self._latency.labels(self._service).observe(took)
            self._songs.inc(0.01)
            self._features.labels("looper").inc(0.1)


def main(name: str, service: str, directory: str) -> None:
    """Serve until SIGTERM."""
    running = Service(service)
    signal.signal(signal.SIGTERM, lambda *_: running.ended.set())
    signal.signal(signal.SIGUSR1, lambda *_: setattr(running, "call_seconds", SLOW_SECONDS))
    signal.signal(signal.SIGUSR2, lambda *_: setattr(running, "call_seconds", FAST_SECONDS))
    with serving(name, running.registry, Path(directory)):
        running.work()


if __name__ == "__main__":
    main(*sys.argv[1:])
