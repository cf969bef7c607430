"""A plugin and an app on stage, as the agent sees them: FFI calls, log lines of users, numbers of the app."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Histogram

from clients.python.white_room_metrics import serving

_PAUSE = 0.05


class Engine:
    """A plugin with repeated FFI calls.

    Attributes:
        call_seconds: The duration of a call.
    """

    def __init__(self) -> None:
        self.call_seconds = 0.001
        self.registry = CollectorRegistry()
        self._calls = Counter("ffi_calls_total", "FFI calls.", ["function"], registry=self.registry)
        self._seconds = Histogram("ffi_call_duration_seconds", "FFI calls.", ["function"], registry=self.registry)
        self._ended = threading.Event()

    def run(self) -> None:
        """Call it until `end`."""
        function = "sch_engine_set_performance_blend"
        while not self._ended.wait(_PAUSE):
            with self._seconds.labels(function).time():
                time.sleep(self.call_seconds)
            self._calls.labels(function).inc()

    def end(self) -> None:
        """Let `run` return."""
        self._ended.set()


@contextlib.contextmanager
def engine(sockets: Path, name: str = "synth") -> Iterator[Engine]:
    """Yield a plugin with calls and a socket, and end it afterwards."""
    plugin = Engine()
    caller = threading.Thread(target=plugin.run)
    with serving(name, plugin.registry, sockets):
        caller.start()
        try:
            yield plugin
        finally:
            plugin.end()
            caller.join()


class App:
    """The app that uses the plugin. It writes events to its log, and counts in its own registry.

    Attributes:
        log: Its log, a JSON object a line.
    """

    def __init__(self, log: Path) -> None:
        self.log = log
        self.log.touch()
        self.registry = CollectorRegistry()
        self.features = Counter("feature_usage_total", "Features used.", ["feature"], registry=self.registry)
        self.sessions = Counter("user_sessions_total", "Sessions begun.", registry=self.registry)
        self.session_seconds = Histogram(
            "session_duration_seconds",
            "How long sessions were.",
            buckets=(60, 600, 1800, 3600, 7200),
            registry=self.registry,
        )

    def write(self, event: str, users: Iterable[int]) -> None:
        """Log an event of each of these users."""
        now = datetime.now(UTC).isoformat()
        lines = [json.dumps({"time": now, "event": event, "user_id": f"user-{number}"}) for number in users]
        with self.log.open("a") as file:
            file.write("".join(f"{line}\n" for line in lines))


@contextlib.contextmanager
def app(folder: Path, sockets: Path, name: str = "stage-app") -> Iterator[App]:
    """Yield an app with a socket that logs to `folder`, and end it afterwards."""
    running = App(folder / "app.log")
    with serving(name, running.registry, sockets):
        yield running


def app_source(log: Path, salt: Path) -> str:
    """Return the part of an agent's configuration that makes metrics of an app's log."""
    return f"""
[[logs.sources]]
name = "app"
paths = ["{log}"]
stages = [
  {{ json = {{ fields = ["time", "event", "user_id"] }} }},
  {{ timestamp = {{ field = "time", format = "rfc3339" }} }},
  {{ structured_metadata = {{ fields = ["user_id"] }} }},
  {{ metrics = {{ distinct = [{{ name = "active_users", value = "user_id", salt_file = "{salt}" }}] }} }},
  {{ metrics = {{ counters = [
    {{ name = "songs_created_total", where = {{ event = "song_created" }} }},
    {{ name = "performances_switched_total", where = {{ event = "performance_switched" }} }},
    {{ name = "user_signups_total", where = {{ event = "user_signed_up" }} }},
  ] }} }},
]
"""
