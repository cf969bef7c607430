"""What a running agent says of itself at `/-/status`: the shape that the daemon writes and the commands read."""

from __future__ import annotations

from typing import Any

import msgspec

from agent.core.diagnosis import Outcome
from agent.live.sample import LiveSample

SCHEMA = 1
"""Raised when a field changes its meaning or goes; new fields do not raise it."""


class CollectorStatus(msgspec.Struct, frozen=True):
    """One collector's health. `error` says why it is down and is empty while it is up; `duration` is in seconds."""

    name: str
    up: bool
    error: str
    errors: int
    restarts: int
    duration: float


class Status(msgspec.Struct, frozen=True):
    """The daemon at one instant.

    Attributes:
        started: When it began to serve, in Unix seconds.
        uptime: Seconds since then, by a clock that nobody sets.
        config: The configuration file, or `built-in defaults`.
        config_error: Why the last reload was refused; empty if it was not.
        checks: The outcome of every check.
        state: What collectors say of themselves beyond that, by their name.
        live: What they measure now.
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
