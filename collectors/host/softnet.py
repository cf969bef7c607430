"""Packets that each processor took from the network cards, from /proc/net/softnet_stat."""

from __future__ import annotations

from pathlib import Path

from collectors.kernel_files import read_text
from collectors.metrics import Family, MetricType

# By column of the kernel's net-procfs.c: name, type and help. Older kernels have fewer columns.
_COLUMNS: dict[int, tuple[str, MetricType, str]] = {
    0: ("processed_total", "counter", "Number of processed packets"),
    1: ("dropped_total", "counter", "Number of dropped packets"),
    2: ("times_squeezed_total", "counter", "Number of times processing packets ran out of quota"),
    8: (
        "cpu_collision_total",
        "counter",
        "Number of collision occur while obtaining device lock while transmitting",
    ),
    9: ("received_rps_total", "counter", "Number of times cpu woken up received_rps"),
    10: ("flow_limit_count_total", "counter", "Number of times flow limit has been reached"),
    11: ("backlog_len", "gauge", "Softnet backlog status"),
}
_PROCESSOR = 12
"""The column of the processor's number, which kernels have since 5.10. The lines leave out offline processors."""


def parse(text: str) -> dict[str, list[int]]:
    """Return the columns of each processor by its number, from hexadecimal numbers.

    Older kernels lack the processor's number. Their lines are counted, as node_exporter does.
    """
    rows = ([int(field, 16) for field in line.split()] for line in text.splitlines())
    return {str(row[_PROCESSOR] if len(row) > _PROCESSOR else line): row for line, row in enumerate(rows)}


def families(root: Path) -> list[Family]:
    """Return one family a column that this kernel has."""
    processors = parse(read_text(f"{root}/proc/net/softnet_stat"))
    return [
        Family(
            f"node_softnet_{name}",
            type_,
            help,
            ("cpu",),
            {(cpu,): row[column] for cpu, row in processors.items() if column < len(row)},
        )
        for column, (name, type_, help) in _COLUMNS.items()
    ]
