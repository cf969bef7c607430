"""The time for which heat has throttled cores and packages, from /sys/devices/system/cpu/cpu*/thermal_throttle.

`cpu_topology` has the number of times, which is node_exporter's.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from collectors import remedies
from collectors.findings import Finding, Severity
from collectors.host.cpu_topology import Processor, by_core, one_of_each_core, processors
from collectors.kernel_files import read_number
from collectors.metrics import Family, LabelValues, counter

Times = dict[LabelValues, int]
"""Milliseconds since boot by package, or by package and core."""


class Throttling:
    """The throttled time of the machine whose files are under `root`. The topology is read once."""

    def __init__(self, root: Path) -> None:
        throttles = [it for it in processors(root) if (it.directory / "thermal_throttle").is_dir()]
        self._cores = one_of_each_core(throttles)

    def families(self) -> list[Family]:
        """Return seconds by core and by package, where the kernel counts them (Intel, Linux 5.6)."""
        cores, packages = self.read()
        return [
            counter(
                "host_cpu_core_throttled_seconds_total",
                "Time for which heat has throttled this CPU core.",
                _seconds(cores),
                ("package", "core"),
            ),
            counter(
                "host_cpu_package_throttled_seconds_total",
                "Time for which heat has throttled this CPU package.",
                _seconds(packages),
                ("package",),
            ),
        ]

    def read(self) -> tuple[Times, Times]:
        """Return the times of all cores and of all packages. Threads of a core share one count."""
        packages: Times = {(it.package,): time for it, time in _times(self._cores, "package_throttle_total_time_ms")}
        return by_core(_times(self._cores, "core_throttle_total_time_ms")), packages


def _times(found: list[Processor], file: str) -> Iterator[tuple[Processor, int]]:
    for it in found:
        time = read_number(it.directory / "thermal_throttle" / file)
        if time is not None:
            yield it, time


class Watch:
    """A check whether the throttled time grows from one look to the next."""

    def __init__(self, root: Path) -> None:
        self._throttling = Throttling(root)
        self._last = self._throttling.read()

    def check(self) -> list[Finding]:
        """Return a finding if a core or a package was throttled since the last look, or since the start."""
        before, self._last = self._last, self._throttling.read()
        slowed = [
            f"{'/'.join(place)} by {now[place] - then[place]} ms"
            for then, now in zip(before, self._last, strict=True)
            for place in now
            if now[place] > then.get(place, now[place])
        ]
        return [_finding(slowed)] if slowed else []


def _finding(slowed: list[str]) -> Finding:
    return Finding(
        code="host-throttled",
        title="Heat throttles the processors",
        severity=Severity.WARNING,
        detail=f"Expected no throttling, found package (or package/core) {', '.join(slowed)} since the last check.",
        affects="A throttled processor renders late: audio drops out at a low load.",
        remedy=(
            *remedies.tool("sensors", "sensors", "shows temperatures"),
            "clean the fans, clear the air intakes, or run fewer programs",
        ),
    )


def _seconds(times: Times) -> dict[LabelValues, float]:
    return {place: milliseconds / 1000 for place, milliseconds in times.items()}
