"""The live view of the host, for the status page: few values, from the families of few subsystems."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from collectors.metrics import Family

SUBSYSTEMS = frozenset({"cpu", "filesystem", "loadavg", "meminfo", "pressure"})
"""The subsystems that the view reads."""


_Families = dict[str, list[Family]]


@dataclass(frozen=True, slots=True)
class HostView:
    """The machine at one instant. None means unknown.

    Attributes:
        cpu_seconds, idle_seconds: CPU time of all processors, in total and without work.
        memory: The used share of memory.
        cpu_wait_seconds, memory_wait_seconds, io_wait_seconds: Time in which tasks waited for the resource.
        load1: The load average of one minute.
        disk: The mount point of the fullest writable file system; empty if there is none.
        disk_used: Its used share.
    """

    cpu_seconds: float | None
    idle_seconds: float | None
    memory: float | None
    cpu_wait_seconds: float | None
    memory_wait_seconds: float | None
    io_wait_seconds: float | None
    load1: float | None
    disk: str
    disk_used: float | None


def host_view(families: Iterable[Family]) -> HostView:
    """Return the view of the families of `SUBSYSTEMS`."""
    by_name: _Families = {}
    for family in families:  # one name may have several families, with different labels
        by_name.setdefault(family.name, []).append(family)
    disk, used = _fullest(by_name)
    return HostView(
        cpu_seconds=_total(by_name, "node_cpu_seconds_total"),
        idle_seconds=_idle(by_name),
        memory=_memory(by_name),
        cpu_wait_seconds=_total(by_name, "node_pressure_cpu_waiting_seconds_total"),
        memory_wait_seconds=_total(by_name, "node_pressure_memory_waiting_seconds_total"),
        io_wait_seconds=_total(by_name, "node_pressure_io_waiting_seconds_total"),
        load1=_total(by_name, "node_load1"),
        disk=disk,
        disk_used=used,
    )


def _samples(families: _Families, name: str) -> Iterator[tuple[dict[str, str], float]]:
    for family in families.get(name, ()):
        for values, value in family.samples.items():
            if isinstance(value, int | float):
                yield dict(zip(family.labels, values, strict=True)), float(value)


def _total(families: _Families, name: str) -> float | None:
    values = [value for _, value in _samples(families, name)]
    return sum(values) if values else None


def _idle(families: _Families) -> float | None:
    """Return idle time; waiting for I/O is idle too."""
    values = [
        value
        for labels, value in _samples(families, "node_cpu_seconds_total")
        if labels.get("mode") in {"idle", "iowait"}
    ]
    return sum(values) if values else None


def _memory(families: _Families) -> float | None:
    """Return the used share. Linux reports available memory; macOS free and inactive memory."""
    total = _total(families, "node_memory_MemTotal_bytes") or _total(families, "node_memory_total_bytes")
    available = _total(families, "node_memory_MemAvailable_bytes")
    if available is None:
        free, inactive = (_total(families, f"node_memory_{kind}_bytes") for kind in ("free", "inactive"))
        if free is None or inactive is None:
            return None
        available = free + inactive
    return 1 - available / total if total else None


def _fullest(families: _Families) -> tuple[str, float | None]:
    """Return the fullest writable file system, and its used share."""
    sizes, read_only = (
        {_mount(labels): value for labels, value in _samples(families, f"node_filesystem_{kind}")}
        for kind in ("size_bytes", "readonly")
    )
    used = {
        labels["mountpoint"]: 1 - available / sizes[_mount(labels)]
        for labels, available in _samples(families, "node_filesystem_avail_bytes")
        if sizes.get(_mount(labels)) and not read_only.get(_mount(labels))
    }
    return max(used.items(), key=lambda item: item[1], default=("", None))


def _mount(labels: dict[str, str]) -> tuple[str, str]:
    return labels["device"], labels["mountpoint"]
