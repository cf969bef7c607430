"""The kernel's limit of real-time threads in each period, from /proc/sys/kernel/sched_rt_*_us.

A thread of the policies FIFO or RR that uses more is throttled until the period ends (sched(7)).
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
    """The run time of real-time threads and its period, in seconds."""

    runtime: float
    period: float


def parse(runtime: str, period: str) -> Limit:
    """Return the limit of both settings in microseconds; a runtime of -1 is the whole period."""
    whole = int(period) * _MICROSECONDS
    return Limit(whole if int(runtime) < 0 else int(runtime) * _MICROSECONDS, whole)


def read(root: Path) -> Limit:
    """Read the limit."""
    settings = root / "proc/sys/kernel"
    return parse(read_text(settings / "sched_rt_runtime_us"), read_text(settings / "sched_rt_period_us"))


def families(root: Path) -> list[Family]:
    """Return the run time of real-time threads and its period."""
    limit = read(root)
    return [
        gauge(
            "host_realtime_runtime_seconds",
            "Run time of real-time threads in each period; the whole period without a limit.",
            limit.runtime,
        ),
        gauge(
            "host_realtime_period_seconds",
            "Period of the limit host_realtime_runtime_seconds.",
            limit.period,
        ),
    ]


def check(limit: Limit) -> list[Finding]:
    """Return a finding if the limit is lower than usual."""
    if limit.runtime >= limit.period * _USUAL:
        return []
    return [
        Finding(
            code="host-realtime-limit-low",
            title="The kernel throttles real-time threads early",
            severity=Severity.WARNING,
            detail=(
                f"Real-time threads may run for {limit.runtime:g} s of each {limit.period:g} s"
                f" ({limit.runtime / limit.period:.0%}); expected at least {_USUAL:.0%}."
            ),
            affects="An audio server that uses more is throttled until the period ends: a long dropout.",
            remedy=(f"sudo sysctl kernel.sched_rt_runtime_us={int(limit.period / _MICROSECONDS * _USUAL)}",),
        )
    ]
