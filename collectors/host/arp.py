"""ARP entries by network interface, from /proc/net/arp."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from collectors.host.filters import Filter
from collectors.kernel_files import read_text
from collectors.metrics import Family, LabelValues, gauge


def parse(text: str) -> dict[str, int]:
    """Count the entries of each interface in the text of /proc/net/arp, whose last column is the interface."""
    return Counter(line.split()[-1] for line in text.splitlines()[1:])


def families(root: Path, devices: Filter) -> list[Family]:
    """Return the entries of each interface."""
    found = parse(read_text(f"{root}/proc/net/arp"))
    entries: dict[LabelValues, float] = {(device,): count for device, count in found.items() if devices.keeps(device)}
    return [gauge("node_arp_entries", "ARP entries by device", entries, ("device",))]
