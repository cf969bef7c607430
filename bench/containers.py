"""The cost of control groups: processor time of a scrape with 10, 100 and 1,000 of them.

The groups are real where this machine's version allows it to make them with all controllers. A second table reads as
many groups of version 2 from plain files, with everything that Linux 6.1 says of each, in this process.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from bench.processes import cpu_seconds, uss_mib
from bench.table import machine, table
from collectors.containers.collector import ContainersCollector
from collectors.containers.config import ContainersConfig
from collectors.containers.layout import UNIFIED, Layout, find
from tests.collectors.containers.support import write_group, write_machine
from tests.support.agent import AgentProcess, agent

COUNTS = (10, 100, 1000)
SCRAPES = 10
PAUSE = 1.2  # longer than the agent keeps a page
PARENT = "/wr-agent-bench"
CONFIG = """
host.enabled = false
[containers]
measure = "containers"
limit = 2000
"""


def container_path(number: int) -> str:
    """Return the path of a container's group, as Docker makes it."""
    return f"{PARENT}/{number:064x}"


@contextlib.contextmanager
def real_groups(layout: Layout, count: int) -> Iterator[None]:
    """Make so many groups in each tree, and remove them afterwards."""
    paths = [PARENT, *(container_path(number) for number in range(count))]
    directories = [Path(top + path) for top in layout.tops for path in paths]
    try:
        for directory in directories:
            directory.mkdir()
        yield
    finally:
        for directory in reversed(directories):
            with contextlib.suppress(FileNotFoundError):
                directory.rmdir()


def scrape(connection: http.client.HTTPConnection) -> bytes:
    """Fetch one page of container families."""
    connection.request("GET", "/metrics?collect[]=containers", headers={"Accept-Encoding": "identity"})
    return connection.getresponse().read()


def measured(running: AgentProcess, count: int) -> list[str]:
    """Return a row with the cost of scrapes of one agent."""
    host, port = running.url.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    while scrape(connection).count(b"container_last_seen{") < count:
        time.sleep(0.5)
    pid = running.process.pid
    cpu, waits, series = [], [], 0
    for _ in range(SCRAPES):
        time.sleep(PAUSE)
        before, started = cpu_seconds(pid), time.perf_counter()
        page = scrape(connection)
        waits.append(time.perf_counter() - started)
        cpu.append(cpu_seconds(pid) - before)
        series = page.count(b"\ncontainer_")
    idle = idle_cpu(pid)
    times = [statistics.mean(cpu), statistics.median(waits), max(waits)]
    uss = uss_mib([psutil.Process(pid)])
    return [str(count), str(series), *(f"{seconds * 1e3:.1f}" for seconds in times), f"{idle:.2%}", f"{uss:.1f}"]


def idle_cpu(pid: int) -> float:
    """Return the share of a processor that the search for groups takes without scrapes."""
    before, started = cpu_seconds(pid), time.perf_counter()
    time.sleep(11)
    return (cpu_seconds(pid) - before) / (time.perf_counter() - started)


async def from_files(count: int) -> list[str]:
    """Return a row with the cost of reading version 2 from plain files."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_machine(root)
        for number in range(count):
            write_group(root, container_path(number))
        collector = ContainersCollector(ContainersConfig(measure="containers", sockets=[], limit=2000), root)
        await collector.look()
        started = time.process_time()
        snapshots = [collector.collect() for _ in range(SCRAPES)]
        took = (time.process_time() - started) / SCRAPES
    return [str(count), str(sum(len(family.samples) for family in snapshots[0])), f"{took * 1e3:.1f}"]


def main() -> None:
    """Print both tables."""
    layout = find(Path("/"))
    if layout is None:
        raise SystemExit("this machine has no control groups")
    version = "2" if UNIFIED in layout.trees else "1"
    print(f"{SCRAPES} scrapes each of real control groups of version {version}; {machine()}\n")
    rows = []
    for count in COUNTS:
        with (
            real_groups(layout, count),
            tempfile.TemporaryDirectory() as folder,
            agent(Path(folder), CONFIG) as running,
        ):
            rows.append(measured(running, count))
    header = ["groups", "series", "CPU ms a scrape", "p50 ms", "max ms", "idle CPU", "USS MiB"]
    print(table(header, rows))
    print("\nVersion 2 from plain files, without rendering:\n")
    rows = [asyncio.run(from_files(count)) for count in COUNTS]
    print(table(["groups", "series", "CPU ms a snapshot"], rows))


if __name__ == "__main__":
    main()
