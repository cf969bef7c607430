"""Traffic of network interfaces, from /proc/net/dev. Their state and description belong to `netclass`."""

from __future__ import annotations

from pathlib import Path

from collectors.host.filters import Filter
from collectors.kernel_files import read_attribute, read_text
from collectors.metrics import Family, LabelValues, counter

_HEADER_LINES = 2

# In the order of /proc/net/dev (proc_pid_net(5)).
_COLUMNS = (
    "receive_bytes",
    "receive_packets",
    "receive_errs",
    "receive_drop",
    "receive_fifo",
    "receive_frame",
    "receive_compressed",
    "receive_multicast",
    "transmit_bytes",
    "transmit_packets",
    "transmit_errs",
    "transmit_drop",
    "transmit_fifo",
    "transmit_colls",
    "transmit_carrier",
    "transmit_compressed",
)


def parse(text: str) -> dict[str, tuple[int, ...]]:
    """Return the counters of each interface in the order of the columns, from the text of /proc/net/dev."""
    rows = (line.rpartition(":") for line in text.splitlines()[_HEADER_LINES:])
    return {device.strip(): tuple(map(int, counts.split())) for device, _, counts in rows}


def statistic(name: str, values: dict[str, float]) -> Family:
    """Return the family of one statistic, from its values by interface."""
    by_device: dict[LabelValues, float] = {(device,): value for device, value in values.items()}
    return counter(f"node_network_{name}_total", f"Network device statistic {name}.", by_device, ("device",))


def families(root: Path, devices: Filter) -> list[Family]:
    """Return one counter a column, and the packets without a handler, which only /sys counts."""
    found = parse(read_text(f"{root}/proc/net/dev"))
    interfaces = {device: counts for device, counts in found.items() if devices.keeps(device)}
    return [
        *(
            statistic(name, {device: counts[column] for device, counts in interfaces.items()})
            for column, name in enumerate(_COLUMNS)
        ),
        statistic("receive_nohandler", _nohandler(root, interfaces)),
    ]


def _nohandler(root: Path, devices: dict[str, tuple[int, ...]]) -> dict[str, float]:
    counts = {device: read_attribute(f"{root}/sys/class/net/{device}/statistics/rx_nohandler") for device in devices}
    return {device: int(count) for device, count in counts.items() if count is not None}
