"""The machine of a live sample, from the host collector's view."""

from __future__ import annotations

from agent.live.rates import increase, share, short
from agent.live.sample import HostNow
from collectors.host.view import HostView


def host(before: HostView | None, now: HostView, seconds: float) -> HostNow:
    """Return the machine's load and usage."""
    return HostNow(
        cpu=_busy(before, now),
        memory=None if now.memory is None else short(now.memory),
        cpu_pressure=share(before.cpu_wait_seconds if before else None, now.cpu_wait_seconds, seconds),
        memory_pressure=share(before.memory_wait_seconds if before else None, now.memory_wait_seconds, seconds),
        io_pressure=share(before.io_wait_seconds if before else None, now.io_wait_seconds, seconds),
        load1=now.load1,
        disk=now.disk,
        disk_used=None if now.disk_used is None else short(now.disk_used),
    )


def _busy(before: HostView | None, now: HostView) -> float | None:
    every = increase(before.cpu_seconds if before else None, now.cpu_seconds)
    idle = increase(before.idle_seconds if before else None, now.idle_seconds)
    if not every or idle is None:
        return None
    return short(min(max(1 - idle / every, 0.0), 1.0))
