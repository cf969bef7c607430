"""The cost of polling plugins: the agent on many live sockets, and its parser against prometheus_client's.

Run: python -m bench.plugins

Each socket is a plugin of its own with 100 series: 50 counters, 3 histograms of 12 buckets, 8 gauges. All numbers are
new at each poll. One process apart from the agent serves them all. CPU is what the scheduler gave every thread of
the agent between scrapes, in percent of one core; USS is what a socket adds to the agent without any.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from prometheus_client.parser import text_string_to_metric_families

from bench.processes import cpu_seconds, uss_mib
from bench.table import machine, table
from collectors.plugins.parsed_page import split
from collectors.plugins.plugin import Admission, Plugin
from collectors.plugins.process_counts import ProcessCounts
from tests.support.agent import AgentProcess, agent
from tests.support.waiting import eventually

WARM_UP = 6.0
SECONDS = 10.0
PAGES = 25
SERIES = 100
MAX_SAMPLES = 2_000
BOUNDS = ("0.0005", "0.001", "0.0025", "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1.0", "+Inf")


@dataclass(frozen=True, slots=True)
class Case:
    """A number of sockets, and the interval of their polls."""

    sockets: int
    interval: float


CASES = (Case(10, 5), Case(100, 5), Case(1_000, 5), Case(200, 1))


def main() -> None:
    """Print both tables, or, as the child, serve."""
    if sys.argv[1:2] == ["--serve"]:
        asyncio.run(serve([Path(path) for path in sys.stdin.read().split("\n")]))
        return
    print(f"Reading a page of {SERIES} series: CPU µs, best of 5; {machine()}\n")
    print(table(["", "µs a page", "ns a series", "library / this"], list(parsing_rows())))
    print(f"\nPolling pages of {SERIES} series, {SECONDS:g} s each\n")
    with tempfile.TemporaryDirectory() as folder:
        idle = measure(Case(0, 5), Path(folder))
        rows = [row(case, idle, measure(case, Path(folder))) for case in CASES]
    print(table(["sockets", "interval", "poll p50 ms", "poll p99 ms", "CPU %", "CPU µs a poll", "USS KiB each"], rows))


def page(seed: int) -> bytes:
    """Return a page of an engine, with other numbers for each seed."""
    numbers = random.Random(seed)  # noqa: S311 - test data, the same in each run
    lines = [line for family in range(5) for line in _counters(family, numbers)]
    lines += ["# HELP render_seconds Rendering.", "# TYPE render_seconds histogram"]
    lines += [line for channel in range(3) for line in _histogram(channel, numbers)]
    lines += ["# HELP channel_load_ratio Load.", "# TYPE channel_load_ratio gauge"]
    lines += [f'channel_load_ratio{{channel="{channel}"}} {numbers.random()!r}' for channel in range(8)]
    return ("\n".join(lines) + "\n").encode()


def _counters(family: int, numbers: random.Random) -> Iterator[str]:
    name = f"engine_calls_{family}_total"
    yield f"# HELP {name} Calls of the engine."
    yield f"# TYPE {name} counter"
    for function in range(10):
        labels = f'function="sch_engine_call_{function}",service="juce-backend"'
        yield f"{name}{{{labels}}} {numbers.randrange(10**6)}"


def _histogram(channel: int, numbers: random.Random) -> Iterator[str]:
    counts = list(itertools.accumulate(numbers.randrange(10**5) for _ in BOUNDS))
    for bound, count in zip(BOUNDS, counts, strict=True):
        yield f'render_seconds_bucket{{channel="{channel}",le="{bound}"}} {count}'
    yield f'render_seconds_sum{{channel="{channel}"}} {numbers.random() * 1e4!r}'
    yield f'render_seconds_count{{channel="{channel}"}} {counts[-1]}'


def parsing_rows() -> Iterator[list[str]]:
    """Compare the agent's parser with the library's, on the same pages."""
    pages = [page(seed) for seed in range(PAGES)]
    theirs = best_us(lambda body: list(text_string_to_metric_families(body.decode())), pages)
    plugin = Plugin("bench", Admission(MAX_SAMPLES))
    lines = split(pages[0], MAX_SAMPLES, openmetrics=False)
    loop = asyncio.new_event_loop()
    plan, _ = loop.run_until_complete(plugin.read(lines, None, openmetrics=False))
    process = ProcessCounts(past_is_known=False)

    def read(body: bytes) -> list[float]:
        return plan.template.values(split(body, MAX_SAMPLES, openmetrics=False)) or []

    def first(body: bytes) -> None:
        lines = split(body, MAX_SAMPLES, openmetrics=False)
        loop.run_until_complete(Plugin("bench", Admission(MAX_SAMPLES)).read(lines, None, openmetrics=False))

    for name, cost in (
        ("prometheus_client", theirs),
        ("ours, the first page, sorted in", best_us(first, pages)),
        ("ours, every later page", best_us(read, pages)),
        ("ours, every later page, summed up", best_us(lambda body: process.fold(plan, read(body)), pages)),
    ):
        yield [name, f"{cost:.1f}", f"{1000 * cost / SERIES:.0f}", f"{theirs / cost:.1f}"]
    loop.close()


def best_us(read: Callable[[bytes], object], pages: Sequence[bytes]) -> float:
    """Return microseconds of CPU for one page: the best of five rounds over all pages."""
    rounds = []
    for _ in range(5):
        began = time.thread_time()
        for body in pages:
            read(body)
        rounds.append((time.thread_time() - began) / len(pages) * 1e6)
    return min(rounds)


@dataclass(frozen=True, slots=True)
class Cost:
    """The needs of an agent: processor time in percent of a core, memory, and the seconds of each poll."""

    cpu: float
    uss_mib: float
    polls: list[float]


def measure(case: Case, folder: Path) -> Cost:
    """Run an agent that polls so many sockets."""
    place = Path(tempfile.mkdtemp(dir=folder))
    sockets = [place / f"plugin-{number}.{number}.sock" for number in range(1, case.sockets + 1)]
    config = f'host.enabled = false\n[plugins]\ndirectories = ["{place}"]\ninterval = "{case.interval:g}s"\n'
    with serving(sockets), agent(place, config) as running:
        eventually(lambda: len(durations(running)) == case.sockets, "all sockets are polled")
        time.sleep(WARM_UP)
        used, began = cpu_seconds(running.process.pid), time.monotonic()
        time.sleep(SECONDS)
        percent = 100 * (cpu_seconds(running.process.pid) - used) / (time.monotonic() - began)
        polls = durations(running)
        time.sleep(case.interval)
        return Cost(percent, uss_mib([psutil.Process(running.process.pid)]), polls + durations(running))


def row(case: Case, idle: Cost, cost: Cost) -> list[str]:
    """Return a case as it is printed."""
    cuts = statistics.quantiles(cost.polls, n=100, method="inclusive")
    a_poll = (cost.cpu - idle.cpu) / 100 * case.interval / case.sockets * 1e6
    memory = (cost.uss_mib - idle.uss_mib) * 1024 / case.sockets
    figures = [f"{cuts[49] * 1e3:.2f}", f"{cuts[98] * 1e3:.2f}", f"{cost.cpu:.1f}", f"{a_poll:.0f}", f"{memory:.0f}"]
    return [f"{case.sockets:,}", f"{case.interval:g} s", *figures]


def durations(running: AgentProcess) -> list[float]:
    """Return the seconds of each socket's last poll."""
    lines = running.get("/metrics?collect[]=plugins")[2].splitlines()
    assert not [line for line in lines if line.startswith("wr_agent_plugin_up{") and line.endswith(" 0.0")]  # noqa: S101
    return [float(line.split()[1]) for line in lines if line.startswith("wr_agent_plugin_poll_duration_seconds{")]


@contextmanager
def serving(sockets: Sequence[Path]) -> Iterator[None]:
    """Serve all sockets from one other process."""
    command = [sys.executable, "-m", "bench.plugins", "--serve"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        try:
            assert child.stdin and child.stdout  # noqa: PT018, S101 - tells mypy
            child.stdin.write("\n".join(map(str, sockets)).encode())
            child.stdin.close()
            child.stdout.readline()
            yield
        finally:
            child.terminate()


async def serve(sockets: Sequence[Path]) -> None:
    """Answer on all sockets until terminated."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: %d\r\n\r\n"
    answers = itertools.cycle([head % len(body) + body for body in map(page, range(PAGES))])

    class Plugin(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

        def data_received(self, _data: bytes) -> None:
            assert isinstance(self.transport, asyncio.WriteTransport)  # noqa: S101 - tells mypy
            self.transport.write(next(answers))

    for path in filter(lambda path: path.name, sockets):
        await asyncio.get_running_loop().create_unix_server(Plugin, path)
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    main()
