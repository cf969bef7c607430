"""The cost of pushing, next to Debian's Prometheus in agent mode.

Run: python -m bench.remote_write_cost [live] [day]

live: One agent with about 1,500 series has snapshots each second, to measure more in less time. First Prometheus in
agent mode scrapes it and writes to a real Prometheus; then the agent pushes to the same one itself. The CPU of the
push is the agent's own, less that of the agent while it is scraped as often. Its memory is what the agent has more
than without the push, private pages alone (USS), like that of the Prometheus in agent mode.

day: A simulated day of 1,500 series at 15 s goes into the queue. Of the series, 55 % do not change, 25 % are counters
of whole numbers, 10 % counters of seconds and 10 % gauges. Then the day is sent to a real Prometheus. The stalls of
the event loop are measured each millisecond, for some seconds before and while it is sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import accumulate
from multiprocessing import get_context
from pathlib import Path

import psutil

from agent.config.remote_write import RemoteWriteConfig, RemoteWriteUrl
from agent.core.memory import keep_what_is_loaded, share_one_heap
from agent.push.future import FutureGuard
from agent.push.health import Health, QueueState
from agent.push.queue import Queue
from agent.push.record import Layout, Record
from agent.push.sender import Sender
from agent.push.wire import HEADERS, encode_labels
from bench.table import machine, table
from collectors.http_push.poster import Poster
from collectors.http_push.receiver_clock import ReceiverClock
from collectors.offloop import Worker
from tests.support.agent import AgentProcess
from tests.support.prometheus import free_port
from tests.support.write_servers import WriteServer, write_receiver

SERIES = 1500
DAY = 86_400
INTERVAL = 15
LIVE_SECONDS = 90
TEXTFILE_SERIES = 900
_MIB = 1 << 20
_REST = 10.0
_LONG_MS = 10.0
_LOOK = 5.0
_STEP_MS = 0.1
_MOST_STEPS = 10_000
_SHARES = {"p99": 0.99, "p99.9": 0.999, "p99.99": 0.9999}

CONFIG = """
audio.enabled = false
host.textfile_directory = "{folder}"
"""
PUSH = """
[remote_write]
url = "{url}"
interval = "1s"
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of one process: CPU seconds per snapshot, private bytes, and the series of a snapshot."""

    cpu: float
    memory: int
    series: int = 0


@dataclass(frozen=True, slots=True)
class Sent:
    """The figures of a day that was sent.

    Attributes:
        stalls: The stalls of the event loop while it was sent.
        resting: Those before.
    """

    seconds: float
    bytes: float
    samples: int
    newest: float
    cpu: float
    memory: int
    stalls: Stalls
    resting: Stalls


class Stalls:
    """The stalls of an event loop, counted in steps so that a long measurement needs no memory of its own."""

    def __init__(self) -> None:
        self._counts = array("I", [0] * _MOST_STEPS)
        self.worst = 0.0
        """The longest, in milliseconds."""

    def add(self, milliseconds: float) -> None:
        """Count one."""
        self._counts[min(int(milliseconds / _STEP_MS), _MOST_STEPS - 1)] += 1
        self.worst = max(self.worst, milliseconds)

    def __str__(self) -> str:
        """Return some quantiles, and the number of long ones."""
        total = sum(self._counts)
        shown = [f"{name} {self._quantile(share * total):.1f} ms" for name, share in _SHARES.items()]
        late = sum(self._counts[int(_LONG_MS / _STEP_MS) :])
        return f"{', '.join(shown)}, worst {self.worst:.1f} ms; {late} of {total} over {_LONG_MS:.0f} ms"

    def _quantile(self, below: float) -> float:
        reached = list(accumulate(self._counts))
        return (bisect_left(reached, below) + 1) * _STEP_MS


def live(folder: Path) -> None:
    """Measure an agent that pushes, and one that a Prometheus in agent mode scrapes."""
    _write_textfile(folder)
    config = CONFIG.format(folder=folder)
    with write_receiver(folder) as server:
        idle = _measured_agent(folder / "idle", config, None, server)
        scraped, prometheus = _scraped(folder, config, server)
        pushed = _measured_agent(folder / "pushed", config + PUSH.format(url=server.write_url), server, server)
    own_cpu, own_memory = pushed.cpu - scraped.cpu, pushed.memory - idle.memory
    rows = [
        ["agent, scraped", _ms(scraped.cpu), _day_share(scraped.cpu), _mib(scraped.memory)],
        ["agent, pushing", _ms(pushed.cpu), _day_share(pushed.cpu), _mib(pushed.memory)],
        ["the push alone", _ms(own_cpu), _day_share(own_cpu), _mib(own_memory)],
        ["Prometheus in agent mode", _ms(prometheus.cpu), _day_share(prometheus.cpu), _mib(prometheus.memory)],
    ]
    print(f"{pushed.series} series, a snapshot each second for {LIVE_SECONDS} s\n")
    print(table(["process", "CPU per snapshot", "of a core at 15 s", "memory"], rows))
    print(
        f"\nThe push needs {own_cpu / prometheus.cpu:.2f} of agent mode's CPU"
        f" and {own_memory / prometheus.memory:.2f} of its memory.\n"
    )


def day(folder: Path) -> None:
    """Measure the queue of a simulated day, and its sending."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        disk, memory, seconds = pool.submit(_fill, folder).result()
    print(f"A day offline, {SERIES} series each {INTERVAL} s: {DAY // INTERVAL * SERIES:,} samples")
    print(f"  disk    {disk / _MIB:.1f} MiB in {seconds:.0f} s of filling")
    print(f"  memory  {memory / _MIB:.1f} MiB more than before\n")
    with write_receiver(folder) as server:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            sent = pool.submit(_send, folder, server.write_url).result()
        stored = [server.value(f'count_over_time(series{{n="{n}"}}[2d])') for n in (0, 700, SERIES - 1)]
    print(f"Sending it: {sent.seconds:.1f} s, {DAY / sent.seconds:.0f} times faster than it passed")
    print(f"  bytes on the wire      {sent.bytes / _MIB:.1f} MiB, {sent.bytes / sent.samples:.2f} a sample")
    print(f"  newest state arrived   after {sent.newest:.1f} s")
    print(f"  CPU                    {sent.cpu:.1f} s")
    print(f"  memory                 {sent.memory / _MIB:.1f} MiB more than before")
    for when, stalls in (("at rest", sent.resting), ("while sending", sent.stalls)):
        print(f"  stalls {when:15} {stalls}")
    print(f"  samples of three series at the receiver: {stored}\n")


def _measured_agent(folder: Path, config: str, pushes_to: WriteServer | None, server: WriteServer) -> Cost:
    """Measure an agent that nothing scrapes."""
    folder.mkdir()
    agent = AgentProcess(folder, config)
    try:
        time.sleep(10)
        series = len([line for line in agent.get("/metrics")[2].splitlines() if not line.startswith("#")])
        cost = _measure(agent.process.pid, LIVE_SECONDS if pushes_to else 5)
        if pushes_to:
            bytes_ = _value(agent, "wr_agent_remote_write_bytes_total") / _value(agent, _REQUESTS)
            print(f"a request for one snapshot has {bytes_:.0f} bytes: {bytes_ * 240 / _MIB:.1f} MiB an hour at 15 s")
            stored = server.value('count({job="wr-agent"})')
            print(f"the receiver has {stored:.0f} series")
    finally:
        agent.stop()
    return Cost(cost.cpu, cost.memory, series)


_REQUESTS = "wr_agent_remote_write_request_duration_seconds_count"


def _scraped(folder: Path, config: str, server: WriteServer) -> tuple[Cost, Cost]:
    """Measure an agent that a Prometheus in agent mode scrapes, and that Prometheus."""
    home = folder / "scraped"
    home.mkdir()
    agent = AgentProcess(home, config)
    try:
        target = agent.url.removeprefix("http://")
        with _agent_mode(folder, target, server.write_url) as process:
            time.sleep(15)
            before = psutil.Process(agent.process.pid).cpu_times()
            cost = _measure(process.pid, LIVE_SECONDS)
            after = psutil.Process(agent.process.pid).cpu_times()
            cpu = (after.user + after.system - before.user - before.system) / LIVE_SECONDS
            memory = psutil.Process(agent.process.pid).memory_full_info().uss
    finally:
        agent.stop()
    return Cost(cpu, memory), cost


@contextlib.contextmanager
def _agent_mode(folder: Path, target: str, url: str) -> Iterator[subprocess.Popen[bytes]]:
    config = folder / "agent-mode.yml"
    config.write_text(
        "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
        f"scrape_configs: [{{job_name: wr-agent, static_configs: [{{targets: {json.dumps([target])}}}]}}]\n"
        f"remote_write: [{{url: {json.dumps(url)}}}]\n"
    )
    command = [
        "prometheus",
        "--enable-feature=agent",
        f"--config.file={config}",
        f"--storage.agent.path={folder / 'agent-mode'}",
        f"--web.listen-address=127.0.0.1:{free_port()}",
    ]
    with (folder / "agent-mode.log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def _measure(pid: int, seconds: float) -> Cost:
    """Return the CPU of a process per second, and its largest private memory."""
    process = psutil.Process(pid)
    before, began = process.cpu_times(), time.monotonic()
    memory = 0
    while time.monotonic() - began < seconds:
        time.sleep(1)
        memory = max(memory, process.memory_full_info().uss)
    after, took = process.cpu_times(), time.monotonic() - began
    return Cost((after.user + after.system - before.user - before.system) / took, memory)


def _value(agent: AgentProcess, name: str) -> float:
    return next(float(line.split()[1]) for line in agent.get("/metrics")[2].splitlines() if line.startswith(f"{name} "))


def _write_textfile(folder: Path) -> None:
    lines = ["# TYPE bench_requests counter"]
    lines += [
        f'bench_requests{{path="/api/v1/thing/{n}",code="200",method="GET"}} {n * 7}' for n in range(TEXTFILE_SERIES)
    ]
    (folder / "bench.prom").write_text("\n".join(lines) + "\n")


class Studio:
    """The values of a simulated machine.

    Args:
        seed: Decides everything.
    """

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)  # noqa: S311 - no secret
        self.values = array("d", [self._random.choice((0.0, 1.0, 4096.0, 17.25)) for _ in range(SERIES)])
        parts = (0.25, 0.10, 0.10)
        first = int(SERIES * (1 - sum(parts)))
        self._counts = range(first, first + int(SERIES * parts[0]))
        self._seconds = range(self._counts.stop, self._counts.stop + int(SERIES * parts[1]))
        self._gauges = range(self._seconds.stop, SERIES)

    def step(self) -> bytes:
        """Return the values after one interval."""
        chance, values = self._random, self.values
        for n in self._counts:
            values[n] += chance.randrange(3000)
        for n in self._seconds:
            values[n] = round(values[n] + chance.random() * INTERVAL, 2)
        for n in self._gauges:
            values[n] = round(chance.gauss(50, 10), 3)
        return values.tobytes()


def _layout() -> Layout:
    labels = {"job": "wr-agent", "instance": "studio-7", "host": "studio-7", "__name__": "series"}
    return Layout(tuple(encode_labels({**labels, "device": f"dev{n % 40}", "n": str(n)}) for n in range(SERIES)))


def _fill(folder: Path) -> tuple[int, int, float]:
    """Fill a queue with a day, and return its bytes on disk, its memory, and the seconds that it took."""
    layout, studio = _layout(), Studio()
    process = psutil.Process()
    before = process.memory_full_info().uss
    queue = _queue(folder)
    began, first = time.monotonic(), (time.time_ns() // 1_000_000_000 - DAY) * 1000
    memory = 0
    for number in range(DAY // INTERVAL):
        queue.append(Record(0, first + 1000 * INTERVAL * number, layout, studio.step()))
        if number % 500 == 0:
            memory = max(memory, process.memory_full_info().uss)
    seconds = time.monotonic() - began
    memory = max(memory, process.memory_full_info().uss) - before
    queue.close()
    disk = sum(file.stat().st_blocks * 512 for file in (folder / "queue").iterdir())
    return disk, memory, seconds


def _send(folder: Path, url: str) -> Sent:
    """Send the day, and return figures. The process has real-time priority, so that others do not count as stalls."""
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    share_one_heap()
    keep_what_is_loaded()
    return asyncio.run(_send_day(folder, url))


async def _send_day(folder: Path, url: str) -> Sent:
    config = RemoteWriteConfig(url=RemoteWriteUrl(url))
    process = psutil.Process()
    resting, stalls = Stalls(), Stalls()
    async with Poster(config, url, HEADERS) as poster:
        before, cpu = process.memory_full_info().uss, process.cpu_times()
        queue = _queue(folder)
        newest, end = queue.newest, queue.end
        health = Health(config, lambda: QueueState(queue.size, queue.oldest_pending, queue.newest))
        probe = encode_labels({"__name__": "probe"})
        sender = Sender(config, queue, Worker("bench"), FutureGuard(poster, ReceiverClock()), health, probe)
        watch = asyncio.create_task(_watch_loop(resting))
        await asyncio.sleep(_REST)
        watch.cancel()
        watch = asyncio.create_task(_watch_loop(stalls))
        began, memory, arrived = time.monotonic(), 0, 0.0
        looked = began
        while await sender.send_next():
            if time.monotonic() - looked > _LOOK:  # it takes milliseconds, which are stalls
                memory = max(memory, process.memory_full_info().uss)
                looked = time.monotonic()
            if not arrived and health.acknowledged >= newest:
                arrived = time.monotonic() - began
        seconds = time.monotonic() - began
        watch.cancel()
        after = process.cpu_times()
        queue.close()
    return Sent(
        seconds=seconds,
        bytes=_sent_bytes(health),
        samples=end * SERIES,
        newest=arrived,
        cpu=after.user + after.system - cpu.user - cpu.system,
        memory=memory - before,
        stalls=stalls,
        resting=resting,
    )


def _sent_bytes(health: Health) -> float:
    (family,) = [it for it in health.families() if it.name == "wr_agent_remote_write_bytes_total"]
    return sum(value for value in family.samples.values() if isinstance(value, int | float))


async def _watch_loop(stalls: Stalls) -> None:
    while True:
        due = time.monotonic() + 0.001
        await asyncio.sleep(0.001)
        stalls.add((time.monotonic() - due) * 1000)


def _queue(folder: Path) -> Queue:
    queue = Queue(folder / "queue", 256 * _MIB, 1e9, 1, lambda reason, samples: print(f"dropped {samples} by {reason}"))
    queue.open()
    return queue


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def _day_share(seconds: float) -> str:
    return f"{seconds / INTERVAL * 100:.3f} %"


def _mib(size: int) -> str:
    return f"{size / _MIB:.1f} MiB"


def main() -> None:
    """Run the named parts, or both."""
    print(f"{machine()}\n")
    asked = sys.argv[1:] or ["live", "day"]
    for name, part in (("live", live), ("day", day)):
        if name in asked:
            with tempfile.TemporaryDirectory(prefix="wr-push-") as folder:
                part(Path(folder))


if __name__ == "__main__":
    main()
