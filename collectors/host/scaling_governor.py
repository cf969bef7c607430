"""Who decides how fast each processor runs, from /sys/devices/system/cpu/cpu*/cpufreq. How fast it is: `cpufreq`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from collectors.findings import Finding, Severity
from collectors.kernel_files import numbered, read_attribute
from collectors.metrics import Family, LabelValues, gauge

STEADY = "performance"
"""The governor that keeps a processor at its maximum."""


def read(root: Path) -> dict[str, str]:
    """The governor of each processor by its number; none where the firmware alone decides."""
    processors = numbered(root / "sys/devices/system/cpu", "cpu")
    found = {number: read_attribute(path / "cpufreq/scaling_governor") for number, path in processors.items()}
    return {number: governor for number, governor in found.items() if governor}


def families(root: Path) -> list[Family]:
    """The governor of each processor among those that it could have, as node_exporter has it from 1.7 on."""
    samples: dict[LabelValues, float] = {
        (cpu, available): float(available == governor)
        for cpu, governor in read(root).items()
        for available in _available(root, cpu) | {governor}
    }
    help = "Current enabled CPU frequency governor."
    return [gauge("node_cpu_scaling_governor", help, samples, ("cpu", "governor"))]


def check(governors: Mapping[str, str]) -> list[Finding]:
    """A finding if processors slow down when there is little to do."""
    slowing = Counter(governor for governor in governors.values() if governor != STEADY)
    if not slowing:
        return []
    found = ", ".join(f"{count} with {governor}" for governor, count in slowing.items())
    return [
        Finding(
            code="host-governor-not-performance",
            title="Processors slow down when there is little to do",
            severity=Severity.INFO,
            detail=f"Expected the governor {STEADY} on {len(governors)} processors, found {found}.",
            affects="A processor that has to speed up first can be late for short audio buffers.",
            remedy=(f"sudo cpupower frequency-set -g {STEADY}",),
        )
    ]


def _available(root: Path, cpu: str) -> set[str]:
    text = read_attribute(root / f"sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_available_governors")
    return set((text or "").split())
