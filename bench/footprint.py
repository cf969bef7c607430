"""The cost of the whole process tree: USS and CPU, idle and scraped each second, with and without audio.

Run: python -m bench.footprint

Audio is a real jackd on the dummy driver, 48 kHz, 256 frames, two capture channels. CPU is what the scheduler gave
every thread of every process, in percent of one core; the probe's row is the child process alone. What the probe costs
with 64, 128 and 256 frames and 2, 8 and 32 channels is the table of `python -m bench.audio_cost`.
"""

from __future__ import annotations

import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.processes import cpu_seconds, tree, uss_mib
from bench.table import machine, table
from tests.support.agent import AgentProcess, agent
from tests.support.jackd import Jackd
from tests.support.waiting import eventually

WARM_UP = 5.0
SECONDS = 20.0
FRAMES = 256


@dataclass(frozen=True, slots=True)
class Case:
    """One way to run the agent: the first cells of the row, and the observers of the device."""

    name: str
    observers: str


CASES = (
    Case("host alone", "off"),
    Case("host, passive client", "passive"),
    Case("host, passive client, probe", "auto"),
)


def main() -> None:
    """Measure every case and print the table."""
    server = Jackd(frames=FRAMES)
    server.start()
    try:
        rows = [row for case in CASES for row in measure(case, server)]
    finally:
        server.close()
    print(f"{SECONDS:g} s each, jackd dummy at {server.rate} Hz and {FRAMES} frames; {machine()}\n")
    print(table(["", "daemon USS MiB", "probe USS MiB", "daemon CPU %", "probe CPU %", "tree CPU %"], rows))


def measure(case: Case, server: Jackd) -> Iterator[list[str]]:
    """Measure the case idle, then scraped each second."""
    config = f'audio.observers = "{case.observers}"\naudio.jack_server = "{server.name}"'
    with tempfile.TemporaryDirectory() as folder, agent(Path(folder), config) as running:
        if case.observers == "auto":
            eventually(lambda: "audio_device_buffer_interval" in running.get("/metrics")[2], "the probe measures")
        time.sleep(WARM_UP)
        yield [f"{case.name}, idle", *_cost(running, scraped=False)]
        yield [f"{case.name}, scraped each second", *_cost(running, scraped=True)]


def _cost(running: AgentProcess, *, scraped: bool) -> list[str]:
    processes = tree(running.process.pid)
    before = [cpu_seconds(process.pid) for process in processes]
    began = time.monotonic()
    while time.monotonic() - began < SECONDS:
        if scraped:
            _scrape(running.url)
        time.sleep(1)
    wall = time.monotonic() - began
    used = [100 * (cpu_seconds(p.pid) - start) / wall for p, start in zip(processes, before, strict=True)]
    return _row(processes, used)


def _scrape(url: str) -> None:
    request = urllib.request.Request(f"{url}/metrics", headers={"Accept-Encoding": "gzip"})  # noqa: S310 - our own agent
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - our own agent
        answer.read()


def _row(processes: list[psutil.Process], used: list[float]) -> list[str]:
    daemon, *children = processes
    probe = [f"{uss_mib(children):.1f}", f"{sum(used[1:]):.2f}"] if children else ["", ""]
    return [f"{uss_mib([daemon]):.1f}", probe[0], f"{used[0]:.2f}", probe[1], f"{sum(used):.2f}"]


if __name__ == "__main__":
    main()
