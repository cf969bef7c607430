"""Plugins that should be there and are not: those that vanished without closing their socket, and expected ones. Pure.

A clean exit removes the socket's file. A killed or crashed process leaves it behind, and connecting to it is refused.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from collectors.plugins.instance import Instance
from collectors.plugins.polled import PolledInstance

REASON_LABELS = ("plugin", "service", "reason")


class GoneReason(StrEnum):
    """The value of the label `reason` of `wr_agent_plugin_gone`."""

    VANISHED = "vanished"
    """The process ended and left its socket behind, and no later process of the plugin took its place."""
    EXPECTED = "expected"
    """The configuration expects the plugin, and no process of it listens or pushes."""


class Gone(NamedTuple):
    """A plugin's missing instances for one reason.

    Attributes:
        plugin: The plugin's name.
        service: The value of the label `service` on the plugin's last page; empty if the agent never saw one.
        reason: How the instances are missing.
        missing: How many are missing.
        paths: Sockets that were left behind.
    """

    plugin: str
    service: str
    reason: GoneReason
    missing: int
    paths: tuple[str, ...] = ()


def gone_plugins(instances: Iterable[Instance], expected: Collection[str], services: Mapping[str, str]) -> list[Gone]:
    """Return the missing instances, zero or more, of every plugin that has a socket or is expected.

    Args:
        instances: The sockets that are polled now, and the processes that push.
        expected: Names of plugins that should always run.
        services: The last known value of the label `service`, by plugin.
    """
    by_plugin: dict[str, list[Instance]] = {}
    for instance in instances:
        if instance.stale or not instance.ended:
            by_plugin.setdefault(instance.plugin.name, []).append(instance)
    vanished = [
        Gone(name, services.get(name, ""), GoneReason.VANISHED, len(left), tuple(it.place for it in left))
        for name, of_plugin in by_plugin.items()
        for left in [not_replaced([it for it in of_plugin if isinstance(it, PolledInstance)])]
    ]
    missing = [
        Gone(name, services.get(name, ""), GoneReason.EXPECTED, int(all(it.stale for it in by_plugin.get(name, ()))))
        for name in dict.fromkeys(expected)
    ]
    return [*vanished, *missing]


def not_replaced(instances: Sequence[Instance]) -> list[Instance]:
    """Return the instances of one plugin that vanished and that no later instance replaces.

    A supervisor that restarts a crashed process makes a new socket. Such a process first answers after the vanished
    one answered last, and replaces one of them.
    """
    begun = sorted(it.first_answer for it in instances if it.first_answer is not None and not it.ended)
    left = []
    for instance in sorted((it for it in instances if it.stale), key=_last_answer):
        later = bisect_right(begun, _last_answer(instance))
        if later < len(begun):
            del begun[later]
        else:
            left.append(instance)
    return left


def _last_answer(instance: Instance) -> float:
    return float("-inf") if instance.last_answer is None else instance.last_answer
