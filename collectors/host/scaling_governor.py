"""The frequency governor of each processor, from /sys/devices/system/cpu/cpu*/cpufreq."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from collectors import remedies
from collectors.findings import Finding, Severity
from collectors.kernel_files import numbered, read_attribute
from collectors.metrics import Family, LabelValues, gauge

STEADY = "performance"
"""The governor that keeps a processor at its maximum frequency."""


def read(root: Path) -> dict[str, str]:
    """Return the governor of each processor by its number; none if the firmware alone decides."""
    processors = numbered(root / "sys/devices/system/cpu", "cpu")
    found = {number: read_attribute(path / "cpufreq/scaling_governor") for number, path in processors.items()}
    return {number: governor for number, governor in found.items() if governor}


def families(root: Path) -> list[Family]:
    """Return the current governor of each processor among the available ones, as node_exporter does since 1.7."""
    samples: dict[LabelValues, float] = {
        (cpu, available): float(available == governor)
        for cpu, governor in read(root).items()
        for available in _available(root, cpu) | {governor}
    }
    help = "Current enabled CPU frequency governor."
    return [gauge("node_cpu_scaling_governor", help, samples, ("cpu", "governor"))]


def check(governors: Mapping[str, str]) -> list[Finding]:
    """Return a finding if processors slow down when idle."""
    slowing = Counter(governor for governor in governors.values() if governor != STEADY)
    if not slowing:
        return []
    found = ", ".join(f"{count} with {governor}" for governor, count in slowing.items())
    return [
        Finding(
            code="host-governor-not-performance",
            title="Processors may run below their full speed",
            severity=Severity.INFO,
            detail=f"Expected the governor {STEADY} on {len(governors)} processors, found {found}.",
            affects="A processor that must speed up first can miss the deadline of short audio buffers.",
            remedy=remedies.tool(f"sudo cpupower frequency-set -g {STEADY}", "cpupower"),
        )
    ]


def _available(root: Path, cpu: str) -> set[str]:
    text = read_attribute(root / f"sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_available_governors")
    return set((text or "").split())
