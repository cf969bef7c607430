"""The error of the probe's intervals, against an independent client of the same JACK server.

Run: python -m bench.audio_timing [--quick]

This process replaces the daemon: it starts a probe as the daemon does and reads its records, idle, then with a thread
that keeps Python busy. The other client, a process of its own, reads the count of frames since the cycle's start until
it increases. At that moment it is exact to a microsecond, where the probe's single reading is exact to one frame. Both
name the cycle by JACK's number, so that the same cycles are compared.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import statistics
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from bench.table import machine, table
from collectors.audio.probe.plan import ProbePlan
from collectors.audio.probe.process import running_probe
from collectors.audio.timing import Buffer
from tests.support.jackd import Jackd

RATE = 48_000
FRAMES = (64, 128, 256)
SHARP = 5e-6
READ_SECONDS = 0.25
HEADER = ("", "intervals", "error p50 us", "p95", "p99", "max", "in one frame %", "wake-up p50 us", "p99", "max")


def main() -> None:
    """Print the table, or be the independent client."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="4 s each instead of 30 s")
    parser.add_argument("--client", metavar="SERVER", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    seconds = 4.0 if asked.quick else 30.0
    if asked.client:
        print(json.dumps(listen(asked.client, seconds)))
        return
    rows = [row for frames in FRAMES for row in measure(frames, asked.quick)]
    print(f"{seconds:g} s each, jackd dummy at {RATE} Hz, one frame is {1e6 / RATE:.1f} us; {machine()}\n")
    print(table(HEADER, rows))


def listen(server: str, seconds: float) -> dict[int, float]:
    """Yield the start of each cycle in seconds of the monotonic clock, as the independent client sees it."""
    import jack

    client = jack.Client("wr-bench-timing", no_start_server=True, servername=server)
    starts = {}

    @client.set_process_callback  # type: ignore[untyped-decorator] # JACK-Client carries no types
    def process(_frames: int) -> None:
        cycle = client.last_frame_time
        start = _cycle_start(client)
        if client.last_frame_time == cycle:
            starts[cycle] = start

    with client:
        time.sleep(seconds)
    return starts


def _cycle_start(client: Any) -> float:  # noqa: ANN401 - JACK-Client carries no types
    frames = int(client.frames_since_cycle_start)
    while True:
        early = time.monotonic()
        before, frames = frames, int(client.frames_since_cycle_start)
        late = time.monotonic()
        if frames == before + 1 and late - early < SHARP:
            return late - frames / RATE


def measure(frames: int, quick: bool) -> Iterator[list[str]]:  # noqa: FBT001 - passed on to the other process
    """Measure with the daemon idle, then busy."""
    server = Jackd(RATE, frames)
    try:
        server.start()
        for name, work in (("idle", contextlib.nullcontext()), ("busy", _busy())):
            with work:
                buffers, starts = asyncio.run(_both(server.name, quick))
            yield [f"{frames} frames, daemon {name}", *_row(buffers, starts)]
    finally:
        server.close()


@contextlib.contextmanager
def _busy() -> Iterator[None]:
    done = threading.Event()

    def work() -> None:
        while not done.is_set():
            sum(range(1000))

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


async def _both(server: str, quick: bool) -> tuple[list[Buffer], dict[int, float]]:  # noqa: FBT001 - as above
    """Return the records of the probe, and those of the independent client for the same time."""
    options = ["--client", server, *["--quick"] * quick]
    async with running_probe(ProbePlan("", True, "auto", 0, server)) as probe:
        client = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.audio_timing", *options, stdout=asyncio.subprocess.PIPE
        )
        answer = asyncio.create_task(client.communicate())
        records: list[bytes] = []
        while not answer.done():
            await asyncio.sleep(READ_SECONDS)
            records += probe.buffers.read()
        (out, _) = await answer
    return [Buffer.unpack(record) for record in records], {int(cycle): at for cycle, at in json.loads(out).items()}


def _row(buffers: list[Buffer], starts: Mapping[int, float]) -> Iterator[str]:
    known = [buffer for buffer in buffers if buffer.cycle in starts]
    errors = [
        abs(b.device_seconds - a.device_seconds - (starts[b.cycle] - starts[a.cycle])) for a, b in pairwise(known)
    ]
    p50, p95, p99 = _percentiles(errors)
    within = statistics.mean(error <= 1 / RATE for error in errors)
    yield from (str(len(errors)), f"{p50:.1f}", f"{p95:.1f}", f"{p99:.1f}", f"{1e6 * max(errors):.0f}")
    yield f"{100 * within:.2f}"
    delays = [buffer.monotonic_ns / 1e9 - starts[buffer.cycle] for buffer in known]
    p50, _, p99 = _percentiles(delays)
    yield from (f"{p50:.0f}", f"{p99:.0f}", f"{1e6 * max(delays):.0f}")


def _percentiles(seconds: list[float]) -> tuple[float, float, float]:
    """Return the 50th, 95th and 99th percentile in microseconds."""
    cuts = statistics.quantiles(seconds, n=100)
    return 1e6 * cuts[49], 1e6 * cuts[94], 1e6 * cuts[98]


if __name__ == "__main__":
    main()
