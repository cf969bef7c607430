"""The cost of Prometheus for a number of machines that push, and the speed at which it takes late samples.

Run: python -m bench.push_fleet MACHINES ...    (for each number of machines, about 2 minutes)

One real agent on a real jackd, with a plugin and an app, is asked for its two pages each second. A process pushes them
as if they were of so many agents, at the agents' intervals, to a Prometheus with the shipped configuration and rules.
Then ten of the machines push an hour that they have missed, one request after the other. CPU is of one core.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil
from aiohttp import ClientSession

from agent.push.series import Pages, Readings, identity
from agent.push.wire import HEADERS, Part, body
from bench.fleet import PAGES, REFRESH, fleet_agent
from bench.processes import cpu_seconds
from bench.table import machine, table
from tests.support.exporters import page, process
from tests.support.monitoring import rendered
from tests.support.prometheus import Prometheus, free_port
from tests.support.waiting import eventually

WARM_UP, SECONDS = 45.0, 60.0
INTERVALS = {"agent": 15.0, "agent-audio": 10.0}
LATE_MACHINES = 10
LATE_SECONDS = 3600
SAMPLES_A_REQUEST = 20_000
TIMEOUT = 600.0
RECEIVER = "--web.enable-remote-write-receiver"


def main() -> None:
    """Push, as the child, or print a table."""
    if sys.argv[1:2] == ["--push"]:
        asyncio.run(push_for_ever(sys.argv[2], sys.argv[3], int(sys.argv[4])))
        return
    print(f"{SECONDS:g} s each after {WARM_UP:g} s; {machine()}\n")
    header = ["machines", "series", "samples/s", "RSS MiB", "CPU %", "rules s", "late samples/s", "RSS then MiB"]
    print(table(header, [cost(int(machines)) for machines in sys.argv[1:]]))


async def push_for_ever(agent_url: str, receiver: str, machines: int) -> None:
    """Push the pages of a real agent as those of so many machines, until killed."""
    readers = {(job, n): _reader(n, first=job == "agent") for job in PAGES for n in range(machines)}
    pages: dict[str, str] = {}
    async with ClientSession(headers=HEADERS) as client, asyncio.TaskGroup() as tasks:
        tasks.create_task(_refresh(client, agent_url, pages))
        for (job, number), reader in readers.items():
            tasks.create_task(_push(client, receiver, job, number / machines, reader, pages))


def _reader(number: int, *, first: bool) -> Pages:
    return Pages(identity(f"m{number}", {}), lambda _: True, {"up": 1.0} if first else {})


async def _refresh(client: ClientSession, agent_url: str, pages: dict[str, str]) -> None:
    while True:
        for job, query in PAGES.items():
            async with client.get(f"{agent_url}/metrics?{query}") as said:
                pages[job] = await said.text()
        await asyncio.sleep(REFRESH)


async def _push(
    client: ClientSession, receiver: str, job: str, phase: float, reader: Pages, pages: dict[str, str]
) -> None:
    """Push one page of one machine at its interval."""
    due = time.monotonic() + phase * INTERVALS[job]
    while True:
        await asyncio.sleep(due - time.monotonic())
        due += INTERVALS[job]
        if job in pages:
            sent = body([_part(reader.read(pages[job]), [int(time.time() * 1000)])])
            async with client.post(receiver, data=sent) as answer:
                answer.raise_for_status()


def _part(readings: Readings, times: Sequence[int]) -> Part:
    return Part(readings.series, times, [readings.values] * len(times))


def cost(machines: int) -> list[str]:
    """Return the line of one size of a fleet."""
    with tempfile.TemporaryDirectory() as name, fleet_agent(Path(name)) as agent_url:
        folder = Path(name)
        with _receiver(folder) as (server, pid):
            receiver = f"{server.url}/api/v1/write"
            command = [sys.executable, "-m", "bench.push_fleet", "--push", agent_url, receiver, str(machines)]
            with process(command, folder):
                every = f'count(up{{job="wr-agent"}}) == {machines}'
                eventually(lambda: server.query(every), f"{machines} machines push", 120)
                time.sleep(WARM_UP)
                before, samples = cpu_seconds(pid), _own(server, "prometheus_tsdb_head_samples_appended_total")
                time.sleep(SECONDS)
                cpu = (cpu_seconds(pid) - before) / SECONDS
                rate = (_own(server, "prometheus_tsdb_head_samples_appended_total") - samples) / SECONDS
                series, memory = _own(server, "prometheus_tsdb_head_series"), _memory(pid)
                rules = _own(server, "prometheus_rule_group_last_duration_seconds")
                late = _late(receiver, (page(f"{agent_url}/metrics") or ""), min(machines, LATE_MACHINES))
            numbers = (f"{series:.0f}", f"{rate:.0f}", f"{memory:.0f}", f"{100 * cpu:.0f}", f"{rules:.2f}")
            return [str(machines), *numbers, f"{late:.0f}", f"{_memory(pid):.0f}"]


@contextlib.contextmanager
def _receiver(folder: Path) -> Iterator[tuple[Prometheus, int]]:
    """Start a Prometheus with the shipped configuration and no agents to scrape."""
    agents = folder / "agents.yml"
    agents.write_text("[]")
    config = rendered(folder / "stack", {"AGENTS_FILE": str(agents)}) / "prometheus.yml"
    server = Prometheus(f"http://127.0.0.1:{free_port()}")
    options = [
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        "--web.enable-remote-write-receiver",
    ]
    with process(["prometheus", *options, f"--web.listen-address={server.url.removeprefix('http://')}"], folder) as run:
        eventually(server.ready, "Prometheus is ready")
        yield server, run.pid


def _late(receiver: str, text: str, machines: int) -> float:
    """Push an hour before the last two, at 15 s, for so many machines; return the samples per second."""
    newest = int(time.time() - 2 * LATE_SECONDS) * 1000
    sent, began = 0, time.monotonic()
    for number in range(machines):
        readings = _reader(number, first=True).read(text)
        at_once = SAMPLES_A_REQUEST // len(readings.series)
        times = range(newest - LATE_SECONDS * 1000, newest, 15_000)
        for start in range(0, len(times), at_once):
            some = times[start : start + at_once]
            request = urllib.request.Request(receiver, body([_part(readings, some)]), HEADERS, method="POST")  # noqa: S310
            with urllib.request.urlopen(request, timeout=TIMEOUT):  # noqa: S310 - our own server
                sent += len(some) * len(readings.series)
    return sent / (time.monotonic() - began)


def _memory(pid: int) -> float:
    return psutil.Process(pid).memory_info().rss / 2**20


def _own(server: Prometheus, name: str) -> float:
    """Return the sum of one of Prometheus's own metrics."""
    lines = (page(f"{server.url}/metrics") or "").splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith((f"{name} ", f"{name}{{")))


if __name__ == "__main__":
    main()
