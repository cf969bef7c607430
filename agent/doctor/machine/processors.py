"""What of the processors decides about audio beside their governor and heat, which the host's checks look at."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from collectors.findings import Finding, Severity
from collectors.kernel_files import numbered, read_attribute, read_number

_PROCESSORS = "sys/devices/system/cpu"
_MOST = 0.95


def shares_cores(root: Path) -> bool:
    """Whether processors are the halves of a core (simultaneous multithreading)."""
    return read_attribute(root / _PROCESSORS / "smt/active") == "1"


def caps(root: Path) -> dict[str, float]:
    """By the processor's number: the part of its highest frequency that it may have, where the kernel says so."""
    found = {}
    for number, processor in numbered(root / _PROCESSORS, "cpu").items():
        allowed = read_number(processor / "cpufreq/scaling_max_freq")
        possible = read_number(processor / "cpufreq/cpuinfo_max_freq")
        if allowed and possible:
            found[number] = allowed / possible
    return found


def check(capped: Mapping[str, float], *, shared: bool) -> list[Finding]:
    """Findings for processors that are held below their speed, and for those that share a core."""
    found = [_shared()] if shared else []
    slow = {number: part for number, part in capped.items() if part < _MOST}
    return [*found, _capped(slow)] if slow else found


def _shared() -> Finding:
    return Finding(
        code="cpu-cores-shared",
        title="Two processors share each core",
        severity=Severity.INFO,
        detail="Simultaneous multithreading is on: more work in total, but each thread's speed depends on the other.",
        affects="Rendering takes up to twice as long while the other half of the core is busy.",
        remedy=("echo off | sudo tee /sys/devices/system/cpu/smt/control  # until reboot; try whether it helps",),
    )


def _capped(slow: Mapping[str, float]) -> Finding:
    return Finding(
        code="cpu-frequency-capped",
        title="Processors may not run at their full speed",
        severity=Severity.WARNING,
        detail=f"{len(slow)} processors are held at {min(slow.values()):.0%} of their highest frequency or more;"
        f" expected all of it.",
        affects="Rendering takes longer than this machine needs: less headroom before dropouts.",
        remedy=(
            "powerprofilesctl set performance  # where a desktop's power profile does it",
            "cpupower frequency-info  # who set the limit; sudo apt install linux-cpupower",
        ),
    )
