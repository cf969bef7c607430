"""Processors: shared cores and frequency caps. The host's checks cover governor and heat."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from collectors import remedies
from collectors.findings import Finding, Severity
from collectors.kernel_files import numbered, read_attribute, read_number

_PROCESSORS = "sys/devices/system/cpu"
_MOST = 0.95


def shares_cores(root: Path) -> bool:
    """Return True if two processors share a core (simultaneous multithreading)."""
    return read_attribute(root / _PROCESSORS / "smt/active") == "1"


def caps(root: Path) -> dict[str, float]:
    """Return the allowed share of each processor's highest frequency, by processor number."""
    found = {}
    for number, processor in numbered(root / _PROCESSORS, "cpu").items():
        allowed = read_number(processor / "cpufreq/scaling_max_freq")
        possible = read_number(processor / "cpufreq/cpuinfo_max_freq")
        if allowed and possible:
            found[number] = allowed / possible
    return found


def check(capped: Mapping[str, float], *, shared: bool) -> list[Finding]:
    """Return findings for capped processors and for shared cores."""
    found = [_shared()] if shared else []
    slow = {number: part for number, part in capped.items() if part < _MOST}
    return [*found, _capped(slow)] if slow else found


def _shared() -> Finding:
    return Finding(
        code="cpu-cores-shared",
        title="Two processors share each core",
        severity=Severity.INFO,
        detail="Simultaneous multithreading is on; off is expected for small buffers.",
        affects="Rendering takes up to twice as long while the other processor of the core is busy.",
        remedy=("echo off | sudo tee /sys/devices/system/cpu/smt/control  # until reboot; compare before and after",),
    )


def _capped(slow: Mapping[str, float]) -> Finding:
    return Finding(
        code="cpu-frequency-capped",
        title="Processors may not run at full speed",
        severity=Severity.WARNING,
        detail=f"{len(slow)} processors are capped, the lowest at {min(slow.values()):.0%} of its highest frequency;"
        " 100% is expected.",
        affects="Rendering takes longer, which leaves less headroom before dropouts.",
        remedy=(
            *remedies.command("powerprofilesctl set performance", "where a desktop's power profile set the cap"),
            *remedies.tool("cpupower frequency-info", "cpupower", "shows the limit"),
        ),
    )
