"""Numbers of macOS's own commands that psutil lacks: memory by `vm_stat`, heat and power by `pmset`.

Written from their manuals and from published outputs; never run on a Mac. Names, types and labels are those of
node_exporter for macOS, which makes kernel calls that Python does not have.
"""

from __future__ import annotations

import re
import subprocess

from collectors.metrics import Family, LabelValues, gauge

_SECONDS = 2.0
"""Seconds that a command may take: more than any of them does."""

_PAGE_SIZE = re.compile(r"page size of (\d+) bytes")
_PAGES = re.compile(r'^"?([^":]+)"?:\s+(\d+)\.?$', re.MULTILINE)
_MEMORY = (
    ("free_bytes", ("Pages free", "Pages speculative")),
    ("compressed_bytes", ("Pages occupied by compressor",)),
    ("internal_bytes", ("Anonymous pages",)),
    ("purgeable_bytes", ("Pages purgeable",)),
)

_LIMIT = re.compile(r"^\s*(CPU_\w+)\s*=\s*(\d+)", re.MULTILINE)
_LIMITS = (
    (
        "CPU_Scheduler_Limit",
        "cpu_scheduler_limit_ratio",
        100,
        (
            "Represents the percentage (0-100) of CPU time available. 100% at normal operation. "
            "The OS may limit this time for a percentage less than 100%."
        ),
    ),
    (
        "CPU_Available_CPUs",
        "cpu_available_cpu",
        1,
        (
            "Reflects how many, if any, CPUs have been taken offline. "
            "Represented as an integer number of CPUs (0 - Max CPUs)."
        ),
    ),
    (
        "CPU_Speed_Limit",
        "cpu_speed_limit_ratio",
        100,
        (
            "Defines the speed & voltage limits placed on the CPU. "
            "Represented as a percentage (0-100) of maximum CPU speed."
        ),
    ),
)

_SOURCE = re.compile(r"drawing from '([^']+)'")
_BATTERY = re.compile(
    r"^ -(?P<name>.+?) \(id=(?P<id>\d+)\)\s+(?P<percent>\d+)%; (?P<state>[^;]+);(?: (?P<hours>\d+):(?P<minutes>\d\d))?",
    re.MULTILINE,
)
_SOURCES = ("Off Line", "AC Power", "Battery Power")
_REMAINING = {"discharging": "time_to_empty_seconds", "charging": "time_to_full_seconds"}


def memory_families() -> list[Family]:
    """Return free, compressed, internal and purgeable memory."""
    return vm_stat(_output("vm_stat"))


def thermal_families() -> list[Family]:
    """Return the thermal limits of the processors; nothing on Apple silicon, which does not report them."""
    return therm(_output("pmset", "-g", "therm"))


def power_families() -> list[Family]:
    """Return the power source and the charge of the batteries."""
    return batteries(_output("pmset", "-g", "batt"))


def vm_stat(text: str) -> list[Family]:
    """Parse the output of `vm_stat`, which counts pages.

    Raises:
        ValueError: It does not state the size of a page.
    """
    size = _PAGE_SIZE.search(text)
    if size is None:
        raise ValueError(f"expected 'page size of … bytes' in the output of vm_stat, got {text[:80]!r}")
    pages = {name: int(count) for name, count in _PAGES.findall(text)}
    return [
        gauge(
            f"node_memory_{name}",
            f"Memory information field {name}.",
            sum(pages[part] for part in parts) * int(size[1]),
        )
        for name, parts in _MEMORY
        if all(part in pages for part in parts)
    ]


def therm(text: str) -> list[Family]:
    """Parse the output of `pmset -g therm`, which is in per cent."""
    limits = dict(_LIMIT.findall(text))
    return [
        gauge(f"node_thermal_{name}", help, int(limits[limit]) / whole)
        for limit, name, whole, help in _LIMITS
        if limit in limits
    ]


def batteries(text: str) -> list[Family]:
    """Parse the output of `pmset -g batt`."""
    source = _SOURCE.search(text)
    current = source[1] if source else ""
    found = list(_BATTERY.finditer(text))
    numbers: dict[str, dict[LabelValues, float]] = {}
    for battery in found:
        for field, value in _numbers(battery).items():
            numbers.setdefault(field, {})[battery["name"],] = value
    states: dict[LabelValues, float] = {
        (battery["name"], state): int(state == current) for battery in found for state in _SOURCES
    }
    return [
        *(_field(field, values, ("power_supply",)) for field, values in numbers.items()),
        _field("power_source_state", states, ("power_supply", "state")),
        gauge(
            "node_power_supply_info",
            "IOKit Power Source information for <power_supply>.",
            {(battery["id"], battery["name"]): 1 for battery in found},
            ("id", "power_supply"),
        ),
    ]


def _numbers(battery: re.Match[str]) -> dict[str, float]:
    state = battery["state"]
    numbers: dict[str, float] = {
        "current_capacity": int(battery["percent"]),
        "max_capacity": 100,
        "charging": int(state == "charging"),
        "charged": int(state == "charged"),
    }
    if battery["hours"] and state in _REMAINING:
        numbers[_REMAINING[state]] = (int(battery["hours"]) * 60 + int(battery["minutes"])) * 60
    return numbers


def _field(name: str, samples: dict[LabelValues, float], labels: tuple[str, ...]) -> Family:
    help = f"IOKit Power Source information field {name} for <power_supply>."
    return gauge(f"node_power_supply_{name}", help, samples, labels)


def _output(*command: str) -> str:
    done = subprocess.run(  # noqa: S603 - fixed commands of the system
        command, check=True, capture_output=True, text=True, timeout=_SECONDS
    )
    return done.stdout
