"""Timer resolution, and the cost of reading the clock."""

from __future__ import annotations

from pathlib import Path

from collectors import remedies
from collectors.findings import Finding, Severity
from collectors.kernel_files import read_attribute

_EXACT = 1e-6
_SLOW_CLOCKS = frozenset({"acpi_pm", "hpet", "jiffies", "pit", "refined-jiffies"})
_CLOCKS = "sys/devices/system/clocksource/clocksource0"


def clock_source(root: Path) -> str:
    """Return the kernel's clock source; empty if unknown."""
    return read_attribute(root / _CLOCKS / "current_clocksource") or ""


def check(resolution: float, source: str) -> list[Finding]:
    """Return findings for low-resolution timers, and for a slow clock source.

    Args:
        resolution: The resolution of the monotonic clock (clock_getres(2)), in seconds.
        source: The name of the clock source.
    """
    found = []
    if resolution > _EXACT:
        found.append(_coarse(resolution))
    if source in _SLOW_CLOCKS:
        found.append(_slow(source))
    return found


def _coarse(resolution: float) -> Finding:
    return Finding(
        code="kernel-timers-coarse",
        title="The kernel has no high-resolution timers",
        severity=Severity.WARNING,
        detail=f"The timer resolution is {resolution * 1000:g} ms; at most {_EXACT * 1000:g} ms is expected.",
        affects="MIDI and timer-driven servers such as PipeWire are late by that much.",
        remedy=(
            "cat /proc/cmdline  # remove highres=off and nohz=off, if they are there",
            *(f"{line} && sudo reboot  # this system's own kernel has them" for line in remedies.install("kernel")),
        ),
    )


def _slow(source: str) -> Finding:
    return Finding(
        code="kernel-clock-slow",
        title="Reading the clock is slow",
        severity=Severity.WARNING,
        detail=f"The clock source is {source}; expected the processor's own (tsc, arch_sys_counter, kvm-clock).",
        affects="Audio servers read the clock in each cycle, which costs a part of every buffer.",
        remedy=(
            *remedies.command("sudo dmesg | grep -i -e tsc -e clocksource", "shows why the kernel rejected the clock"),
            f"cat /{_CLOCKS}/available_clocksource  # should list tsc",
            "update the firmware, or add tsc=reliable to the kernel's command line if dmesg names no other cause",
        ),
    )
