"""Connection tracking, from /proc/sys/net/netfilter and /proc/net/stat/nf_conntrack."""

from __future__ import annotations

from pathlib import Path

from collectors.kernel_files import read_text
from collectors.metrics import Family, gauge

_STATISTICS = {
    "found": "Number of searched entries which were successful.",
    "invalid": "Number of packets seen which can not be tracked.",
    "ignore": "Number of packets seen which are already connected to a conntrack entry.",
    "insert": "Number of entries inserted into the list.",
    "insert_failed": "Number of entries for which list insertion was attempted but failed.",
    "drop": "Number of packets dropped due to conntrack failure.",
    "early_drop": "Number of dropped conntrack entries to make room for new ones, if maximum table size was reached.",
    "search_restart": "Number of conntrack table lookups which had to be restarted due to hashtable resizes.",
}


def parse(text: str) -> dict[str, int]:
    """Return each column's sum over all processors. A line of names precedes their lines of hexadecimal numbers."""
    header, *rows = (line.split() for line in text.splitlines())
    return {name: sum(int(row[column], 16) for row in rows) for column, name in enumerate(header)}


def families(root: Path) -> list[Family]:
    """Return the entries and their limit, and the packet counters of a kernel with CONFIG_NF_CONNTRACK_PROCFS."""
    settings = f"{root}/proc/sys/net/netfilter"
    counts = _counts(root)
    return [
        gauge(
            "node_nf_conntrack_entries",
            "Number of currently allocated flow entries for connection tracking.",
            int(read_text(f"{settings}/nf_conntrack_count")),
        ),
        gauge(
            "node_nf_conntrack_entries_limit",
            "Maximum size of connection tracking table.",
            int(read_text(f"{settings}/nf_conntrack_max")),
        ),
        *(
            gauge(f"node_nf_conntrack_stat_{name}", help, counts[name])
            for name, help in _STATISTICS.items()
            if name in counts
        ),
    ]


def _counts(root: Path) -> dict[str, int]:
    try:
        return parse(read_text(f"{root}/proc/net/stat/nf_conntrack"))
    except FileNotFoundError:
        return {}
