"""The exercises: real faults, the alert that each raises, and the actions that repair them."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from typing import NamedTuple

from monitoring.drill.studio import Studio

Action = Callable[[Studio], None]


class Exercise(NamedTuple):
    """One fault.

    Attributes:
        name: Its name on the command line.
        alert: The alert that it raises.
        priority: The priority of the alert.
        runbook: The runbook of the alert.
        fix: The action that repairs it.
        inject: Causes the fault.
        needs_redis: True if it needs Redis and its exporter.
    """

    name: str
    alert: str
    priority: str
    runbook: str
    fix: str
    inject: Action
    needs_redis: bool = False


ACTIONS: Mapping[str, Action] = {
    "start backend": lambda studio: studio.restart_service(),
    "resume backend": lambda studio: studio.send("service", signal.SIGCONT),
    "roll back backend": lambda studio: studio.send("service", signal.SIGUSR2),
    "start agent": lambda studio: studio.start_agent(),
    "start redis": lambda studio: studio.start_redis(),
}
"""The actions that a person on call can take, by name."""

EXERCISES = (
    Exercise(
        *("killed", "PluginGone", "P0", "PLUGIN_GONE", "start backend"),
        lambda studio: studio.end("service", signal.SIGKILL),
    ),
    Exercise(
        *("hung", "PluginNotAnswering", "P1", "PLUGIN_NOT_ANSWERING", "resume backend"),
        lambda studio: studio.send("service", signal.SIGSTOP),
    ),
    Exercise(
        *("slow", "FfiLatency", "P1", "FFI_LATENCY", "roll back backend"),
        lambda studio: studio.send("service", signal.SIGUSR1),
    ),
    Exercise(
        *("dark", "ServerDown", "P0", "SERVER_DOWN", "start agent"),
        lambda studio: studio.end("agent", signal.SIGTERM),
    ),
    Exercise(
        *("store", "ServiceDown", "P0", "SERVICE_DOWN", "start redis"),
        lambda studio: studio.end("redis", signal.SIGTERM),
        needs_redis=True,
    ),
)
"""The exercises in their order."""
