"""The cost of the status page: the agent's CPU with no page, one and five open, and the bytes that a page loads.

Run: python -m bench.status_page

The agent watches a real jackd at 48 kHz and 256 frames with two channels, a plugin, and a log. The pages are
connections that read their events. The processor time of a browser is not part of it. CPU is the whole daemon's, in
percent of one core.
"""

from __future__ import annotations

import contextlib
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from agent.page import FILES
from bench.processes import cpu_seconds
from bench.table import machine, table
from tests.support.playing_studio import Studio, playing_studio

WARM_UP = 5.0
SECONDS = 20.0
ROUNDS = 2
PAGES = (0, 1, 5)


def main() -> None:
    """Measure the cases in turn, so that noise of the machine affects them alike, and print the tables."""
    with tempfile.TemporaryDirectory() as folder, playing_studio(Path(folder)) as studio:
        time.sleep(WARM_UP)
        costs = [[_cpu_percent(studio, pages) for pages in PAGES] for _ in range(ROUNDS)]
        received = _bytes_a_minute(studio)
    least = [min(of_one) for of_one in zip(*costs, strict=True)]
    print(f"{ROUNDS} rounds of {SECONDS:g} s each, the lower one; {machine()}\n")
    rows = [[str(pages), f"{cost:.2f}", f"{cost - least[0]:+.2f}"] for pages, cost in zip(PAGES, least, strict=True)]
    print(table(["pages open", "daemon CPU %", "more than none"], rows))
    sizes = [[name, str(len(body))] for name, body in FILES.items()]
    print(f"\n{table(['file', 'bytes'], [*sizes, ['all', str(sum(map(len, FILES.values())))]])}")
    print(f"\nevents: {received / 1000:.1f} kB a minute and page")


def _cpu_percent(studio: Studio, pages: int) -> float:
    with contextlib.ExitStack() as opened:
        for _ in range(pages):
            opened.enter_context(_page(studio))
        time.sleep(WARM_UP)
        before, began = cpu_seconds(studio.agent.process.pid), time.monotonic()
        time.sleep(SECONDS)
        return 100 * (cpu_seconds(studio.agent.process.pid) - before) / (time.monotonic() - began)


@contextlib.contextmanager
def _page(studio: Studio) -> Iterator[list[int]]:
    """Open a page, and yield the size of each line that it has read."""
    stream = urllib.request.urlopen(f"{studio.agent.url}/-/events", timeout=60)  # noqa: S310 - the agent's own address
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


def _bytes_a_minute(studio: Studio) -> float:
    with _page(studio) as sizes:
        time.sleep(WARM_UP)
        before = sum(sizes)
        time.sleep(SECONDS)
        return (sum(sizes) - before) * 60 / SECONDS


if __name__ == "__main__":
    main()
