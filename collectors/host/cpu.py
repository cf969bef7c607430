"""Processor time by mode, from /proc/stat. Throttling and isolation belong to `cpu_topology`."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from collectors.host.cpu_topology import Topology
from collectors.kernel_files import read_text
from collectors.metrics import Family, counter

Ticks = tuple[int, ...]
"""One processor's counters in clock ticks, in the order of /proc/stat (proc_stat(5)): `MODES`, then `GUESTS`."""

MODES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
GUESTS = ("user", "nice")

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_IDLE = MODES.index("idle")
_HOTPLUG_TICKS = 3 * _TICKS_PER_SECOND


def parse(text: str) -> dict[str, Ticks]:
    """Return the counters of each online processor by its number, from the text of /proc/stat."""
    processors = {}
    for line in text.splitlines():
        if not line.startswith("cpu"):
            break
        name, *fields = line.split()
        if name != "cpu":
            processors[name.removeprefix("cpu")] = tuple(map(int, fields))
    return processors


def forward(before: Ticks | None, now: Ticks) -> Ticks:
    """Return the counters to export after `before`, so that none falls.

    The kernel's idle and iowait may step back a little. Prometheus would treat that as a reset and count the whole
    counter again. A large step back of idle is a processor that was unplugged and starts from zero.
    """
    if before is None or before[_IDLE] - now[_IDLE] >= _HOTPLUG_TICKS:
        return now
    return tuple(map(max, before, now))


class Cpu:
    """The processors' time. It remembers what it exported, see `forward`."""

    def __init__(self, root: Path) -> None:
        self._stat = root / "proc/stat"
        self._topology = Topology(root)
        self._lock = threading.Lock()
        self._exported: dict[str, Ticks] = {}

    def families(self) -> list[Family]:
        """Return seconds by processor and mode, then throttling and isolation."""
        return [*_time_families(self._forwarded()), *self._topology.families()]

    def _forwarded(self) -> dict[str, Ticks]:
        # A check may read during a scrape: an older reading must not replace a newer one.
        with self._lock:
            before, now = self._exported, parse(read_text(self._stat))
            self._exported = {cpu: forward(before.get(cpu), ticks) for cpu, ticks in now.items()}
            return self._exported


def _time_families(processors: dict[str, Ticks]) -> list[Family]:
    return [
        counter(
            "node_cpu_seconds_total",
            "Seconds the CPUs spent in each mode.",
            _seconds(processors, MODES, 0),
            ("cpu", "mode"),
        ),
        counter(
            "node_cpu_guest_seconds_total",
            "Seconds the CPUs spent in guests (VMs) for each mode.",
            _seconds(processors, GUESTS, len(MODES)),
            ("cpu", "mode"),
        ),
    ]


def _seconds(processors: dict[str, Ticks], modes: tuple[str, ...], start: int) -> dict[tuple[str, ...], float]:
    return {
        (cpu, mode): count / _TICKS_PER_SECOND
        for cpu, ticks in processors.items()
        for mode, count in zip(modes, ticks[start:], strict=False)
    }
