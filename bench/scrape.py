"""The cost of a scrape of the host, against Debian's prometheus-node-exporter in the same run.

Run: python -m bench.scrape

Both serve what node_exporter has by default over HTTP on loopback and are scraped in turns, as Prometheus does it:
gzip, one connection kept open. CPU is the whole process's from one scrape's start to its end.
"""

from __future__ import annotations

import gzip
import http.client
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from bench.processes import cpu_seconds, uss_mib
from bench.table import machine, table
from tests.support.agent import agent
from tests.support.node_exporter import node_exporter

SCRAPES = 100
PAUSE = 0.6
"""Seconds between two scrapes of one target: longer than the agent serves one page."""

ONLY_OURS = ["audio_servers", "busy_processes", "interrupts", "realtime", "scaling_governor", "softirqs", "throttling"]
"""Families that only the agent has, and the comparison leaves out."""

HEADERS = {"Accept-Encoding": "gzip", "Accept": "text/plain;version=0.0.4"}


@dataclass
class Target:
    """One process that is scraped, and the cost of its scrapes so far, in seconds."""

    name: str
    pid: int
    connection: http.client.HTTPConnection
    path: str
    waits: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    size: int = 0
    samples: int = 0

    def scrape(self) -> None:
        """Scrape once, and note its time and its CPU."""
        before = cpu_seconds(self.pid)
        started = time.perf_counter()
        self.connection.request("GET", self.path, headers=HEADERS)
        page = self.connection.getresponse().read()
        self.waits.append(time.perf_counter() - started)
        self.cpu.append(cpu_seconds(self.pid) - before)
        self.size = len(page)
        self.samples = sum(not line.startswith(b"#") for line in gzip.decompress(page).splitlines())

    def row(self) -> list[str]:
        """Return its line of the table."""
        process = psutil.Process(self.pid)
        percentiles = statistics.quantiles(self.waits, n=100)
        return [
            self.name,
            f"{1000 * statistics.mean(self.cpu):.2f}",
            f"{1000 * percentiles[49]:.2f}",
            f"{1000 * percentiles[98]:.2f}",
            f"{process.memory_info().rss / 2**20:.1f}",
            f"{uss_mib([process]):.1f}",
            str(self.samples),
            str(self.size),
        ]


def _target(name: str, pid: int, url: str) -> Target:
    address, _, path = url.removeprefix("http://").partition("/")
    host, _, port = address.partition(":")
    return Target(name, pid, http.client.HTTPConnection(host, int(port), timeout=30), f"/{path}")


def main() -> None:
    """Scrape both in turns and print the table."""
    with (
        tempfile.TemporaryDirectory() as folder,
        agent(Path(folder), f"host.exclude = {ONLY_OURS}") as ours,
        node_exporter("--web.disable-exporter-metrics") as theirs,
    ):
        targets = (
            _target("wr-agent", ours.process.pid, f"{ours.url}/metrics?collect[]=host"),
            _target("node_exporter", theirs.pid, theirs.url),
        )
        for turn in range(SCRAPES + 1):
            for target in targets:
                target.scrape()
                if turn == 0:  # the first one pays for what is made once
                    target.waits.clear()
                    target.cpu.clear()
            time.sleep(PAUSE)
        print(f"{SCRAPES} scrapes each; {machine()}\n")
        header = ["", "CPU ms a scrape", "p50 ms", "p99 ms", "RSS MiB", "USS MiB", "samples", "bytes (gzip)"]
        print(table(header, [target.row() for target in targets]))


if __name__ == "__main__":
    main()
