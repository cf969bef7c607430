"""Thermal throttling of cores and packages, and isolated processors, from /sys/devices/system/cpu."""

from __future__ import annotations

from pathlib import Path

from collectors.kernel_files import read_attribute
from collectors.metrics import Family, counter, gauge

_Paths = dict[tuple[str, ...], Path]


class Topology:
    """The throttle counters of cores and packages. The topology is read once."""

    def __init__(self, root: Path) -> None:
        self._directory = root / "sys/devices/system/cpu"
        self._packages: _Paths = {}
        self._cores: _Paths = {}
        for processor in sorted(self._directory.glob("cpu[0-9]*")):
            self._add(processor)

    def _add(self, processor: Path) -> None:
        package = read_attribute(processor / "topology/physical_package_id")
        core = read_attribute(processor / "topology/core_id")
        throttles = processor / "thermal_throttle"
        if package is None or core is None or not throttles.is_dir():
            return
        self._packages.setdefault((package,), throttles / "package_throttle_count")
        self._cores.setdefault((package, core), throttles / "core_throttle_count")

    def families(self) -> list[Family]:
        """Return throttle counters, which most virtual processors lack, and the isolated processors."""
        isolated = parse_cpu_list(read_attribute(self._directory / "isolated") or "")
        return [
            counter(
                "node_cpu_package_throttles_total",
                "Number of times this CPU package has been throttled.",
                _counts(self._packages),
                ("package",),
            ),
            counter(
                "node_cpu_core_throttles_total",
                "Number of times this CPU core has been throttled.",
                _counts(self._cores),
                ("package", "core"),
            ),
            gauge(
                "node_cpu_isolated",
                "Whether each core is isolated, information from /sys/devices/system/cpu/isolated.",
                {(str(cpu),): 1 for cpu in isolated},
                ("cpu",),
            ),
        ]


def parse_cpu_list(text: str) -> list[int]:
    """Parse a list such as `0-2,7`, the kernel's cpulist format."""
    numbers: list[int] = []
    for span in filter(None, text.strip().split(",")):
        first, _, last = span.partition("-")
        numbers += range(int(first), int(last or first) + 1)
    return numbers


def _counts(paths: _Paths) -> dict[tuple[str, ...], float]:
    counts = {labels: read_attribute(path) for labels, path in paths.items()}
    return {labels: int(count) for labels, count in counts.items() if count is not None}
