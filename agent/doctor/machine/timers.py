"""How exactly the kernel wakes programs up, and what reading the clock costs."""

from __future__ import annotations

from pathlib import Path

from collectors.findings import Finding, Severity
from collectors.kernel_files import read_attribute

_EXACT = 1e-6
_SLOW_CLOCKS = frozenset({"acpi_pm", "hpet", "jiffies", "pit", "refined-jiffies"})
_CLOCKS = "sys/devices/system/clocksource/clocksource0"


def clock_source(root: Path) -> str:
    """The name of the clock that the kernel reads; empty where it does not say."""
    return read_attribute(root / _CLOCKS / "current_clocksource") or ""


def check(resolution: float, source: str) -> list[Finding]:
    """Findings for timers without high resolution, and for a clock that is slow to read.

    Args:
        resolution: What clock_getres(2) says of the monotonic clock, in seconds: that of the timers.
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
        detail=f"Timers are exact to {resolution * 1000:g} ms; expected at most {_EXACT * 1000:g} ms.",
        affects="MIDI and servers that wake up by the clock, such as PipeWire, are late by that much.",
        remedy=(
            "cat /proc/cmdline  # remove highres=off and nohz=off, if they are there",
            "sudo apt install linux-image-amd64 && sudo reboot  # Debian's own kernel has them",
        ),
    )


def _slow(source: str) -> Finding:
    return Finding(
        code="kernel-clock-slow",
        title="Reading the clock is slow",
        severity=Severity.WARNING,
        detail=f"The clock source is {source}; expected the processor's own (tsc, arch_sys_counter, kvm-clock).",
        affects="Audio servers read the clock in each cycle: a part of every buffer is lost to it.",
        remedy=(
            "sudo dmesg | grep -i -e tsc -e clocksource  # why the kernel did not trust the processor's clock",
            f"cat /{_CLOCKS}/available_clocksource  # is tsc there?",
            "look for a firmware update, or add tsc=reliable to the kernel's command line if dmesg blames nothing else",
        ),
    )
