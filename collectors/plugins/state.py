"""The state of the plugins in `/-/status`, which `wr-agent plugins` reads."""

from __future__ import annotations

import msgspec


class SocketState(msgspec.Struct, frozen=True):
    """One socket.

    Attributes:
        plugin: The plugin's name.
        instance: The value of the label `plugin_instance`.
        path: The socket's file.
        pid: The process that listens; 0 if it is unknown.
        up: Whether the last poll returned a page.
        duration: Duration of the last poll in seconds.
        samples: Sample lines on that page.
        problem: Why it returned none, or why the agent refused parts of it.
    """

    plugin: str
    instance: str
    path: str
    pid: int
    up: bool
    duration: float
    samples: int
    problem: str


class RejectedState(msgspec.Struct, frozen=True):
    """The refusals of one plugin for one reason since the agent's start, with the last example."""

    plugin: str
    reason: str
    count: int
    detail: str


class GoneState(msgspec.Struct, frozen=True):
    """A plugin that is missing, as `wr_agent_plugin_gone` counts it."""

    plugin: str
    service: str
    reason: str
    missing: int


class PluginsState(msgspec.Struct, frozen=True):
    """All plugins.

    Attributes:
        directories: The directories that are searched for sockets.
        sockets: The polled sockets.
        rejected: The refusals.
        gone: The missing plugins.
    """

    directories: list[str]
    sockets: list[SocketState]
    rejected: list[RejectedState]
    gone: list[GoneState] = []
