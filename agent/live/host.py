"""The machine of a live sample, from the host collector's families."""

from __future__ import annotations

from agent.live.reading import Reading, Series, increase, share, short
from agent.live.sample import HostNow
from collectors.metrics import Value

_CPU = "node_cpu_seconds_total"
_SIZE = "node_filesystem_size_bytes"
_FREE = "node_filesystem_avail_bytes"
_READ_ONLY = "node_filesystem_readonly"

NAMES = frozenset(
    {
        "node_load1",
        "node_memory_MemTotal_bytes",
        "node_memory_MemAvailable_bytes",
        "node_memory_total_bytes",
        "node_memory_free_bytes",
        "node_memory_inactive_bytes",
        "node_pressure_cpu_waiting_seconds_total",
        "node_pressure_memory_waiting_seconds_total",
        "node_pressure_io_waiting_seconds_total",
        _CPU,
        _SIZE,
        _FREE,
        _READ_ONLY,
    }
)


def host(before: Reading | None, now: Reading) -> HostNow:
    """Return the machine's load and usage."""
    disk, used = _fullest(now)
    return HostNow(
        cpu=_busy(before, now),
        memory=_memory(now),
        cpu_pressure=share(before, now, "node_pressure_cpu_waiting_seconds_total"),
        memory_pressure=share(before, now, "node_pressure_memory_waiting_seconds_total"),
        io_pressure=share(before, now, "node_pressure_io_waiting_seconds_total"),
        load1=now.number("node_load1"),
        disk=disk,
        disk_used=used,
    )


def _busy(before: Reading | None, now: Reading) -> float | None:
    every = increase(before, now, _CPU)
    idle = increase(before, now, _CPU, mode="idle")
    waiting = increase(before, now, _CPU, mode="iowait") or 0.0
    if not every or idle is None:
        return None
    return short(min(max(1 - (idle + waiting) / every, 0.0), 1.0))


def _memory(now: Reading) -> float | None:
    """Return the used share of memory. Linux reports available memory; macOS free and inactive memory."""
    total = now.number("node_memory_MemTotal_bytes") or now.number("node_memory_total_bytes")
    available = now.number("node_memory_MemAvailable_bytes")
    if available is None:
        available = (now.number("node_memory_free_bytes") or 0) + (now.number("node_memory_inactive_bytes") or 0)
    return short(1 - available / total) if total else None


def _fullest(now: Reading) -> tuple[str, float | None]:
    """Return the fullest writable file system, and its used share."""
    sizes, read_only = ({_file_system(it): it.value for it in now.series(name)} for name in (_SIZE, _READ_ONLY))
    disk, most = "", None
    for it in now.series(_FREE):
        size = sizes.get(_file_system(it))
        if not size or read_only.get(_file_system(it)):
            continue
        used = short(1 - _number(it.value) / _number(size))
        if most is None or used > most:
            disk, most = it.labels["mountpoint"], used
    return disk, most


def _file_system(series: Series) -> tuple[str, str]:
    return series.labels["device"], series.labels["mountpoint"]


def _number(value: Value | None) -> float:
    assert isinstance(value, int | float)  # noqa: S101 - these families are gauges
    return float(value)
