"""How much of each period the kernel lets real-time threads run, from /proc/sys/kernel/sched_rt_*_us.

A thread of the policies FIFO or RR that wants more is held up until the period is over (sched(7)).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from collectors.findings import Finding, Severity
from collectors.kernel_files import read_text
from collectors.metrics import Family, gauge

_MICROSECONDS = 1e-6
_USUAL = 0.95


@dataclass(frozen=True, slots=True)
class Limit:
    """What real-time threads may use, in seconds."""

    runtime: float
    period: float


def parse(runtime: str, period: str) -> Limit:
    """The limit from both settings in microseconds; a runtime of -1 is the whole period."""
    whole = int(period) * _MICROSECONDS
    return Limit(whole if int(runtime) < 0 else int(runtime) * _MICROSECONDS, whole)


def read(root: Path) -> Limit:
    """The limit now."""
    settings = root / "proc/sys/kernel"
    return parse(read_text(settings / "sched_rt_runtime_us"), read_text(settings / "sched_rt_period_us"))


def families(root: Path) -> list[Family]:
    """The time that real-time threads may run, and the period in which they may."""
    limit = read(root)
    return [
        gauge(
            "host_realtime_runtime_seconds",
            "How long real-time threads may run in each period; the whole period if they are not held up.",
            limit.runtime,
        ),
        gauge(
            "host_realtime_period_seconds",
            "The period in which real-time threads may run for host_realtime_runtime_seconds.",
            limit.period,
        ),
    ]


def check(limit: Limit) -> list[Finding]:
    """A finding if real-time threads are held up sooner than usual."""
    if limit.runtime >= limit.period * _USUAL:
        return []
    return [
        Finding(
            code="host-realtime-limit-low",
            title="The kernel holds real-time threads up early",
            severity=Severity.WARNING,
            detail=(
                f"Real-time threads may run for {limit.runtime:g} s of each {limit.period:g} s"
                f" ({limit.runtime / limit.period:.0%}); expected at least {_USUAL:.0%}."
            ),
            affects="An audio server that uses more is held up until the period ends: a long dropout.",
            remedy=(f"sudo sysctl kernel.sched_rt_runtime_us={int(limit.period / _MICROSECONDS * _USUAL)}",),
        )
    ]
