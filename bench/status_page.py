"""The cost of the status page: the agent's CPU with no page, one and five open, and the bytes that a page loads.

Run: python -m bench.status_page

It takes about a minute. One agent watches a real jackd at 48 kHz and 256 frames with two channels, a plugin, and a log.
The other one has the built-in defaults on a machine without an audio server. The pages are connections that read their
events. The processor time of a browser is not part of it. CPU is the whole daemon's, in percent of one core.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

from agent.page import FILES
from bench.processes import cpu_seconds
from bench.table import machine, table
from tests.support.agent import AgentProcess, agent
from tests.support.playing_studio import playing_studio

WARM_UP = 5.0
SETTLE = 2.0
SECONDS = 6.0
ROUNDS = 2
PAGES = (0, 1, 5)
AGENTS = ("studio", "nothing else")


def main() -> None:
    """Measure the cases in turn, so that noise of the machine affects them alike, and print the tables."""
    with contextlib.ExitStack() as running:
        studio, idle = (Path(running.enter_context(tempfile.TemporaryDirectory())) for _ in AGENTS)
        agents = [running.enter_context(playing_studio(studio)).agent, running.enter_context(agent(idle))]
        time.sleep(WARM_UP)
        costs = [[_cpu_percent(agents, pages) for pages in PAGES] for _ in range(ROUNDS)]
        received = _bytes_a_minute(agents[0])
    print(f"{ROUNDS} rounds of {SECONDS:g} s each, the lower one; {machine()}\n")
    rows = []
    for number, name in enumerate(AGENTS):
        least = [min(one[case][number] for one in costs) for case in range(len(PAGES))]
        rows += [
            [name, str(pages), f"{cost:.2f}", f"{cost - least[0]:+.2f}"]
            for pages, cost in zip(PAGES, least, strict=True)
        ]
    print(table(["agent", "pages open", "daemon CPU %", "more than none"], rows))
    sizes = [[name, str(len(body))] for name, body in FILES.items()]
    print(f"\n{table(['file', 'bytes'], [*sizes, ['all', str(sum(map(len, FILES.values())))]])}")
    print(f"\nevents: {received / 1000:.1f} kB a minute and page")


def _cpu_percent(agents: Sequence[AgentProcess], pages: int) -> list[float]:
    """Return the CPU of each agent while each has so many pages open."""
    print(f"measuring with {pages} pages open", file=sys.stderr)
    with contextlib.ExitStack() as opened:
        for _ in range(pages):
            for each in agents:
                opened.enter_context(_page(each))
        time.sleep(SETTLE)
        before, began = [cpu_seconds(each.process.pid) for each in agents], time.monotonic()
        time.sleep(SECONDS)
        seconds = time.monotonic() - began
        return [
            100 * (cpu_seconds(each.process.pid) - earlier) / seconds
            for each, earlier in zip(agents, before, strict=True)
        ]


@contextlib.contextmanager
def _page(watched: AgentProcess) -> Iterator[list[int]]:
    """Open a page, and yield the size of each line that it has read."""
    stream = urllib.request.urlopen(f"{watched.url}/-/events", timeout=60)  # noqa: S310 - the agent's own address
    sizes: list[int] = []
    closed = threading.Event()

    def read() -> None:
        for line in stream:
            sizes.append(len(line))
            if closed.is_set():
                return

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield sizes
    finally:
        closed.set()
        reader.join()
        stream.close()


def _bytes_a_minute(watched: AgentProcess) -> float:
    with _page(watched) as sizes:
        time.sleep(SETTLE)
        before = sum(sizes)
        time.sleep(SECONDS)
        return (sum(sizes) - before) * 60 / SECONDS


if __name__ == "__main__":
    main()
