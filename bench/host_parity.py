"""The differences between the host's families and those of Debian's real node_exporter on this machine.

Run: python -m bench.host_parity

Both are read until every value of node_exporter's lay between two of the agent's, or until a timeout. A gauge that
moves reaches that after some readings.
"""

from __future__ import annotations

import time

from bench.table import machine, table
from collectors.host.collector import HostCollector
from collectors.host.config import HostConfig
from tests.support.exported import Families, fits, of_the_host, ours, scraped, unlike
from tests.support.node_exporter import node_exporter

DEADLINE_SECONDS = 30

REASONS = {
    "go_": "the Go runtime's own",
    "node_exporter_build_info": "node_exporter's own; ours is wr_agent_build_info",
    "process_": "node_exporter's own process",
    "promhttp_": "node_exporter's own web server",
}
"""The reason for which a family of node_exporter's page is left out, by the start of its name."""


def main() -> None:
    """Compare, and print the table."""
    collector = HostCollector(HostConfig())
    with node_exporter() as peer:
        page = scraped(peer.url)
        different = _different(collector, peer.url)
    mine, theirs = of_the_host(ours(collector.collect())), of_the_host(page)
    rows = [
        ["families compared", str(len(mine.keys() & theirs.keys())), ""],
        ["equal in name, type, help, labels and value", str(len(theirs.keys() - different.keys())), ""],
        ["only the agent's", str(len(mine.keys() - theirs.keys())), ", ".join(sorted(mine.keys() - theirs.keys()))],
        *([f"different: {name}", "1", why] for name, why in sorted(different.items()) if name in theirs),
        *([f"left out: {prefix}", str(_count(page, prefix)), why] for prefix, why in REASONS.items()),
    ]
    print(f"{machine()}\n")
    print(table(["", "families", "why"], rows))


def _count(page: Families, prefix: str) -> int:
    return sum(name.startswith(prefix) for name in page)


def _different(collector: HostCollector, url: str) -> dict[str, str]:
    """Return the differences that every reading has, by family."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    different = _difference(collector, url)
    while different and time.monotonic() < deadline:
        again = _difference(collector, url)
        different = {name: again[name] for name in different.keys() & again.keys()}
    return different


def _difference(collector: HostCollector, url: str) -> dict[str, str]:
    before, theirs, after = (
        of_the_host(ours(collector.collect())),
        of_the_host(scraped(url)),
        of_the_host(ours(collector.collect())),
    )
    different = unlike(before, theirs)
    for name in theirs.keys() - different.keys():
        for labels, value in theirs[name].samples.items():
            first, last = before[name].samples[labels], after[name].samples.get(labels, value)
            if not fits(name, first, value, last):
                different[name] = f"{first} and {last} here, {value} there"
    return different


if __name__ == "__main__":
    main()
