"""Sockets in use, from /proc/net/sockstat and /proc/net/sockstat6."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from collectors.kernel_files import read_text
from collectors.metrics import Family, gauge

_PAGE = os.sysconf("SC_PAGE_SIZE")


def parse(text: str) -> dict[tuple[str, str], int]:
    """Return the counts by protocol and state, from lines such as `TCP: inuse 3 orphan 0 tw 1 alloc 5 mem 2`."""
    counts = {}
    for line in text.splitlines():
        protocol, *fields = line.split()
        for state, count in zip(fields[::2], fields[1::2], strict=True):
            counts[protocol.removesuffix(":"), state] = int(count)
    return counts


def families(root: Path) -> list[Family]:
    """Return one gauge a protocol and state, and bytes where the kernel counts pages."""
    counts: dict[tuple[str, str], int] = {}
    for name in ("sockstat6", "sockstat"):
        try:
            counts |= parse(read_text(f"{root}/proc/net/{name}"))
        except FileNotFoundError:  # a kernel without this protocol
            continue
    in_bytes = {(protocol, "mem_bytes"): pages * _PAGE for (protocol, state), pages in counts.items() if state == "mem"}
    return [gauge(*_described(protocol, state), count) for (protocol, state), count in (counts | in_bytes).items()]


@cache
def _described(protocol: str, state: str) -> tuple[str, str]:
    if (protocol, state) == ("sockets", "used"):
        return "node_sockstat_sockets_used", "Number of IPv4 sockets in use."
    return f"node_sockstat_{protocol}_{state}", f"Number of {protocol} sockets in state {state}."
