"""Bytes in the queues of UDP sockets, from /proc/net/udp and /proc/net/udp6."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from collectors.kernel_files import read_text
from collectors.metrics import Family, LabelValues, gauge

_QUEUES = 4
"""The column of `tx_queue:rx_queue`, two hexadecimal numbers."""


def parse(text: str) -> tuple[int, int]:
    """Return the bytes to send and the bytes received, over all sockets."""
    queues = [line.split()[_QUEUES].split(":") for line in text.splitlines()[1:]]
    return sum(int(sent, 16) for sent, _ in queues), sum(int(received, 16) for _, received in queues)


def families(root: Path) -> list[Family]:
    """Return the one gauge.

    Raises:
        FileNotFoundError: The kernel has neither protocol.
    """
    help = "Number of allocated memory in the kernel for UDP datagrams in bytes."
    samples = dict(_samples(root))
    if not samples:
        raise FileNotFoundError(root / "proc/net/udp")
    return [gauge("node_udp_queues", help, samples, ("queue", "ip"))]


def _samples(root: Path) -> Iterator[tuple[LabelValues, int]]:
    for name, ip in (("udp", "v4"), ("udp6", "v6")):
        try:
            sent, received = parse(read_text(f"{root}/proc/net/{name}"))
        except FileNotFoundError:  # a kernel without this protocol
            continue
        yield ("tx", ip), sent
        yield ("rx", ip), received
