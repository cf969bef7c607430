"""What `/-/status` shows of the plugins, and `wr-agent plugins` reads."""

from __future__ import annotations

import msgspec


class SocketState(msgspec.Struct, frozen=True):
    """One socket.

    Attributes:
        plugin: The plugin's name.
        instance: The value of the label `plugin_instance`.
        path: The socket's file.
        pid: The process that listens; 0 if it is not known.
        up: Whether the last poll brought a page.
        duration: Seconds that the last poll took.
        samples: Sample lines of that page.
        problem: Why it brought none, or why parts of it were not taken.
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
    """What was refused of one plugin for one reason: how often since the start, and the last example."""

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
        directories: Where sockets are looked for.
        sockets: Those that are polled.
        rejected: What was refused.
        gone: What is missing.
    """

    directories: list[str]
    sockets: list[SocketState]
    rejected: list[RejectedState]
    gone: list[GoneState] = []
