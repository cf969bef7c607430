"""Cores and packages: which processors form them, their throttling, and isolated and offline processors.

From /sys/devices/system/cpu.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from collectors.kernel_files import numbered, read_attribute, read_number
from collectors.metrics import Family, LabelValues, counter, gauge

_Values = dict[LabelValues, float]


@dataclass(frozen=True, slots=True)
class Processor:
    """One processor: a thread of a core.

    Attributes:
        number: Its number.
        directory: Its directory in /sys.
        package: The number of its package.
        core: The number of its core. Cores of different dies of a package may share it.
        siblings: The threads of the same core, which identify the core.
    """

    number: str
    directory: Path
    package: str
    core: str
    siblings: str


def processors(root: Path) -> Iterator[Processor]:
    """Yield the processors whose topology the kernel knows, which are the online ones."""
    for number, directory in numbered(root / "sys/devices/system/cpu", "cpu").items():
        topology = directory / "topology"
        package = read_attribute(topology / "physical_package_id")
        core = read_attribute(topology / "core_id")
        if package is not None and core is not None:
            siblings = read_attribute(topology / "thread_siblings_list") or f"{package}/{core}"
            yield Processor(number, directory, package, core, siblings)


def one_of_each_core(found: Iterable[Processor]) -> list[Processor]:
    """Return one processor of each core: the threads of a core share its counters."""
    return list({(it.package, it.core, it.siblings): it for it in reversed(list(found))}.values())[::-1]


def by_core(counts: Iterable[tuple[Processor, int]]) -> dict[LabelValues, int]:
    """Return the counts of cores by package and core. Cores that share their number are added up."""
    totals: dict[LabelValues, int] = {}
    for it, count in counts:
        totals[it.package, it.core] = totals.get((it.package, it.core), 0) + count
    return totals


class Topology:
    """The throttle counters of cores and packages, and the state of processors. The topology is read once."""

    def __init__(self, root: Path) -> None:
        self._directory = root / "sys/devices/system/cpu"
        throttling = [it for it in processors(root) if (it.directory / "thermal_throttle").is_dir()]
        self._cores = one_of_each_core(throttling)
        self._packages = {it.package: it for it in reversed(throttling)}
        self._numbers = list(numbered(self._directory, "cpu"))
        self._can_be_switched = (self._directory / "cpu0/online").exists()

    def families(self) -> list[Family]:
        """Return throttle counters, which most virtual processors lack, and isolated and online processors."""
        packages: _Values = {(it.package,): n for it, n in _counts(self._packages.values(), "package_throttle_count")}
        cores: _Values = dict(by_core(_counts(self._cores, "core_throttle_count")))
        isolated = parse_cpu_list(read_attribute(self._directory / "isolated") or "")
        return [
            counter(
                "node_cpu_package_throttles_total",
                "Number of times this CPU package has been throttled.",
                packages,
                ("package",),
            ),
            counter(
                "node_cpu_core_throttles_total",
                "Number of times this CPU core has been throttled.",
                cores,
                ("package", "core"),
            ),
            gauge(
                "node_cpu_isolated",
                "Whether each core is isolated, information from /sys/devices/system/cpu/isolated.",
                {(str(cpu),): 1 for cpu in isolated},
                ("cpu",),
            ),
            gauge("node_cpu_online", "CPUs that are online and being scheduled.", self._online(), ("cpu",)),
        ]

    def _online(self) -> _Values:
        """Return the state of each processor; none if the first has no switch, as in node_exporter."""
        if not self._can_be_switched:
            return {}
        online = set(parse_cpu_list(read_attribute(self._directory / "online") or ""))
        return {(number,): int(int(number) in online) for number in self._numbers}


def _counts(found: Iterable[Processor], file: str) -> Iterator[tuple[Processor, int]]:
    for it in found:
        count = read_number(it.directory / "thermal_throttle" / file)
        if count is not None:
            yield it, count


def parse_cpu_list(text: str) -> list[int]:
    """Parse a list such as `0-2,7`, the kernel's cpulist format."""
    numbers: list[int] = []
    for span in filter(None, text.strip().split(",")):
        first, _, last = span.partition("-")
        numbers += range(int(first), int(last or first) + 1)
    return numbers
