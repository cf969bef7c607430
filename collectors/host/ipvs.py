"""The kernel's load balancer, from /proc/net/ip_vs and /proc/net/ip_vs_stats."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path

from collectors.kernel_files import read_text
from collectors.metrics import Family, LabelValues, counter, gauge

_LABELS = ("local_address", "local_port", "remote_address", "remote_port", "proto", "local_mark")
_TOTALS = (
    ("connections", "The total number of connections made."),
    ("incoming_packets", "The total number of incoming packets."),
    ("outgoing_packets", "The total number of outgoing packets."),
    ("incoming_bytes", "The total amount of incoming data."),
    ("outgoing_bytes", "The total amount of outgoing data."),
)
_BACKENDS = (
    ("weight", "The current backend weight by local and remote address."),
    ("connections_active", "The current active connections by local and remote address."),
    ("connections_inactive", "The current inactive connections by local and remote address."),
)
_HEADER_LINES = 2
_HEXADECIMAL_ADDRESS = 8
_ADDRESS = re.compile(r"([0-9A-F]{8}|\[[0-9a-fA-F:.]+\]):[0-9A-F]{4}")

Backends = dict[LabelValues, tuple[int, ...]]
"""Weight, active and inactive connections of each server behind a service."""


def parse_totals(text: str) -> list[int]:
    """Return the five totals: hexadecimal numbers below two lines of names."""
    return [int(number, 16) for number in text.splitlines()[_HEADER_LINES].split()]


def parse(text: str) -> Backends:
    """Parse the servers of each service. A service's line precedes theirs, and is an address or a firewall mark."""
    backends: Backends = {}
    service: tuple[str, str, str, str] = ("", "", "", "")
    for words in (line.split() for line in text.splitlines()):
        if words[:1] == ["FWM"]:
            service = ("", "0", words[0], words[1])
        elif words[:1] == ["->"] and words[1] != "RemoteAddress:Port":
            local, port, protocol, mark = service
            labels = (local, port, *_address(words[1]), protocol, mark)
            before = backends.get(labels, (0,) * len(_BACKENDS))
            backends[labels] = tuple(a + int(b) for a, b in zip(before, words[3:], strict=True))
        elif len(words) > 1 and _ADDRESS.fullmatch(words[1]):  # TCP, UDP or SCTP
            service = (*_address(words[1]), words[0], "")
    return backends


def _address(text: str) -> tuple[str, str]:
    """Return address and port of `C0A80016:0CEA` or `[2001:…]:0CEA`."""
    host, _, port = text.rpartition(":")
    number = int(host, 16) if len(host) == _HEXADECIMAL_ADDRESS else host.strip("[]")
    return str(ipaddress.ip_address(number)), str(int(port, 16))


def families(root: Path) -> list[Family]:
    """Return the totals, and the servers of each service.

    Raises:
        FileNotFoundError: The machine has no load balancer.
    """
    totals = parse_totals(read_text(f"{root}/proc/net/ip_vs_stats"))
    backends = parse(read_text(f"{root}/proc/net/ip_vs"))
    return [
        *(counter(f"node_ipvs_{name}_total", help, total) for (name, help), total in zip(_TOTALS, totals, strict=True)),
        *(
            gauge(
                f"node_ipvs_backend_{name}",
                help,
                {labels: numbers[column] for labels, numbers in backends.items()},
                _LABELS,
            )
            for column, (name, help) in enumerate(_BACKENDS)
        ),
    ]
