"""What a scrape of the host costs, beside Debian's prometheus-node-exporter in the same run.

Run: python -m bench.scrape

Both serve the same subsystems over HTTP on loopback and are scraped in turns, as Prometheus does it: gzip, one
connection kept open. CPU is the whole process's from one scrape's beginning to its end.
"""

from __future__ import annotations

import contextlib
import http.client
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from bench.processes import cpu_seconds, uss_mib
from bench.table import machine, table
from collectors.host.filesystem import EXCLUDED_MOUNT_POINTS, EXCLUDED_TYPES
from tests.support.agent import agent
from tests.support.prometheus import free_port
from tests.support.waiting import eventually

SCRAPES = 100
PAUSE = 0.6
"""Seconds between two scrapes of one target: past the time for which the agent serves a page again."""

SUBSYSTEMS = (
    "cpu",
    "diskstats",
    "filefd",
    "filesystem",
    "loadavg",
    "meminfo",
    "netclass",
    "netdev",
    "stat",
    "time",
    "uname",
)

HEADERS = {"Accept-Encoding": "gzip", "Accept": "text/plain;version=0.0.4"}


@dataclass
class Target:
    """One process that is scraped, and what its scrapes cost so far, in seconds."""

    name: str
    pid: int
    connection: http.client.HTTPConnection
    path: str
    waits: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    size: int = 0

    def scrape(self) -> None:
        """Scrape once and note the time and the CPU that it took."""
        before = cpu_seconds(self.pid)
        started = time.perf_counter()
        self.connection.request("GET", self.path, headers=HEADERS)
        self.size = len(self.connection.getresponse().read())
        self.waits.append(time.perf_counter() - started)
        self.cpu.append(cpu_seconds(self.pid) - before)

    def row(self) -> list[str]:
        """Its line of the table."""
        process = psutil.Process(self.pid)
        percentiles = statistics.quantiles(self.waits, n=100)
        return [
            self.name,
            f"{1000 * statistics.mean(self.cpu):.2f}",
            f"{1000 * percentiles[49]:.2f}",
            f"{1000 * percentiles[98]:.2f}",
            f"{process.memory_info().rss / 2**20:.1f}",
            f"{uss_mib([process]):.1f}",
            str(self.size),
        ]


@contextlib.contextmanager
def node_exporter() -> Iterator[Target]:
    """Debian's node_exporter with the agent's subsystems, mounts and devices."""
    port = free_port()
    process = subprocess.Popen(
        [
            "prometheus-node-exporter",
            f"--web.listen-address=127.0.0.1:{port}",
            "--web.disable-exporter-metrics",
            "--collector.disable-defaults",
            *(f"--collector.{name}" for name in SUBSYSTEMS),
            f"--collector.filesystem.mount-points-exclude={EXCLUDED_MOUNT_POINTS}",
            f"--collector.filesystem.fs-types-exclude={EXCLUDED_TYPES}",
            "--collector.netdev.device-exclude=^$",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        eventually(lambda: _answers(connection), "node_exporter answers")
        yield Target("node_exporter", process.pid, connection, "/metrics")
    finally:
        process.terminate()
        process.wait()


def _answers(connection: http.client.HTTPConnection) -> bool:
    try:
        connection.request("GET", "/metrics")
        connection.getresponse().read()
    except OSError:
        connection.close()
        return False
    return True


def main() -> None:
    """Scrape both in turns and print the table."""
    with tempfile.TemporaryDirectory() as folder, agent(Path(folder)) as ours, node_exporter() as theirs:
        host, port = ours.url.removeprefix("http://").split(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=30)
        targets = (Target("wr-agent", ours.process.pid, connection, "/metrics?collect[]=host"), theirs)
        for turn in range(SCRAPES + 1):
            for target in targets:
                target.scrape()
                if turn == 0:  # the first one pays for what is made once
                    target.waits.clear()
                    target.cpu.clear()
            time.sleep(PAUSE)
        print(f"{SCRAPES} scrapes each of {len(SUBSYSTEMS)} subsystems; {machine()}\n")
        header = ["", "CPU ms a scrape", "p50 ms", "p99 ms", "RSS MiB", "USS MiB", "bytes (gzip)"]
        print(table(header, [target.row() for target in targets]))


if __name__ == "__main__":
    main()
