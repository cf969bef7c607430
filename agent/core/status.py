"""The document of `/-/status`, which the daemon writes and the commands read."""

from __future__ import annotations

from typing import Any

import msgspec

from agent.core.diagnosis import Outcome
from agent.live.sample import LiveSample

SCHEMA = 1
"""The schema version. It increases when a field changes its meaning or is removed, not for new fields."""


class CollectorStatus(msgspec.Struct, frozen=True):
    """One collector's health. `error` is the reason why it is down, else empty; `duration` is in seconds."""

    name: str
    up: bool
    error: str
    errors: int
    restarts: int
    duration: float


class Status(msgspec.Struct, frozen=True):
    """The daemon at one instant.

    Attributes:
        started: The start of the daemon, in Unix seconds.
        uptime: Seconds since then on the monotonic clock.
        config: The configuration file, or `built-in defaults`.
        config_error: The reason why the last reload was refused; empty if it was accepted.
        checks: The outcome of every check.
        state: The additional state of collectors, by their name.
        live: The current measurements.
    """

    schema: int
    version: str
    pid: int
    started: float
    uptime: float
    url: str
    config: str
    config_error: str
    collectors: list[CollectorStatus]
    checks: list[Outcome]
    state: dict[str, Any] = {}
    live: LiveSample = LiveSample()
