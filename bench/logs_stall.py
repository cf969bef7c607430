"""The delay that log work causes on the event loop, which it shares with audio and scrapes, under full load.

Run: python -m bench.logs_stall [LINES]

The log collector ships real files from this process to a sink that counts. A timer of a millisecond on the same loop
measures the delay, and the CPU of the loop's thread between two ticks. Other work of the machine does not change the
latter. The sources are those of `bench.logs_throughput`, then four of the most expensive one, which share the lines.
The first row is the timer alone: the noise of the machine.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from agent.config.loader import parse
from bench.logs_throughput import CONFIG, METRICS, write_lines
from bench.table import machine, table
from collectors.logs.collector import LogsCollector
from tests.support.loki import Loki, loki

LINES = 400_000
TICK = 0.001
QUIET_SECONDS = 5.0
Tick = tuple[float, float]
"""The delay of a tick, and the CPU time of the loop's thread since the one before, in seconds."""

CASES = {"plain": [""], "with metrics": [METRICS], "four with metrics": [METRICS] * 4}


def main() -> None:
    """Measure each case and print the table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else LINES
    rows = [["no log work", *_shown(asyncio.run(_quiet()))]]
    rows += [[name, *_shown(_measure(stages, count))] for name, stages in CASES.items()]
    print(f"{count:,} lines, a timer each {TICK * 1e3:g} ms; {machine()}\n")
    print(table(["", "seconds", "p99 ms late", "p99.9 ms late", "worst ms late", "worst ms CPU"], rows))


def _measure(stages: list[str], count: int) -> list[Tick]:
    with tempfile.TemporaryDirectory() as folder, loki(counting=True) as sink:
        return asyncio.run(_ship(Path(folder), sink, stages, count))


async def _ship(folder: Path, sink: Loki, stages: list[str], count: int) -> list[Tick]:
    """Ship all lines, and return the ticks of that time."""
    collector = _collector(folder, sink, stages)
    for number in range(len(stages)):
        write_lines(folder / f"{number}.log", count // len(stages))
    task = asyncio.create_task(collector.run())
    ticks: list[Tick] = []
    ticking = asyncio.create_task(_tick(ticks))
    await asyncio.to_thread(_await_all, sink, count)
    for each in (ticking, task):
        each.cancel()
        with suppress(asyncio.CancelledError):
            await each
    return ticks


def _await_all(sink: Loki, count: int) -> None:
    while sink.counted()["entries"] < count:
        time.sleep(0.1)


def _collector(folder: Path, sink: Loki, stages: list[str]) -> LogsCollector:
    sources = [
        CONFIG.format(url=sink.url, name=f"bench{number}", path=folder / f"{number}.log", metrics=metrics)
        for number, metrics in enumerate(stages)
    ]
    head, _, _ = sources[0].partition("[[")
    config = parse(head + "".join(source.removeprefix(head) for source in sources), "the benchmark")
    collector = LogsCollector(config.logs, config.loki, folder / "state", config.machine_name)
    collector.prepare()
    collector.restore()
    return collector


async def _quiet() -> list[Tick]:
    ticks: list[Tick] = []
    with suppress(TimeoutError):
        async with asyncio.timeout(QUIET_SECONDS):
            await _tick(ticks)
    return ticks


async def _tick(ticks: list[Tick]) -> None:
    while True:
        due, used = time.monotonic() + TICK, time.thread_time()
        await asyncio.sleep(TICK)
        ticks.append((max(0.0, time.monotonic() - due), time.thread_time() - used))


def _shown(ticks: list[Tick]) -> list[str]:
    late = sorted(tick for tick, _ in ticks)
    ranks = [late[int((len(late) - 1) * share)] for share in (0.99, 0.999, 1.0)]
    seconds = sum(late) + TICK * len(late)
    worst_cpu = max(cpu for _, cpu in ticks)
    return [f"{seconds:.1f}", *(f"{1e3 * value:.1f}" for value in (*ranks, worst_cpu))]


if __name__ == "__main__":
    main()
