"""The cost at rest of what explains dropouts: CPU of the daemon and of the probe with and without the recorder.

Run: python -m bench.explain_cost [--seconds N] [--rounds N]

Audio is a real jackd on the dummy driver at 256 frames and 48 kHz with eight clients. CPU is what the scheduler gave
every thread, in percent of one core. Rounds with and without the recorder take turns, so that a change of the machine
meets both. A stall is the longest delay of the daemon's event loop while it was measured, as the upper bound of the
bucket in its own histogram.
"""

from __future__ import annotations

import argparse
import re
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from bench.processes import cpu_seconds, tree, uss_mib
from bench.table import machine, table
from tests.support.agent import AgentProcess, agent
from tests.support.jack_client import JackClient
from tests.support.jackd import Jackd
from tests.support.waiting import eventually

FRAMES = 256
CLIENTS = 8
WARM_UP = 12.0
HEADER = ("recorder", "daemon CPU %", "probe CPU %", "probe's callback us", "longest stall ms", "USS MiB")


def main() -> None:
    """Measure in turns and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with ExitStack() as stack:
        server = Jackd(frames=FRAMES)
        stack.callback(server.close)
        server.start()
        for number in range(CLIENTS):
            client = JackClient(server.name, f"client-{number}-{server.name}")
            stack.callback(client.close)
            client.tell("hear system:capture_1")
        rounds = [[measure(server, options.seconds, on=on) for on in (False, True)] for _ in range(options.rounds)]
    rows = [[statistics.median(values) for values in zip(*of_one, strict=True)] for of_one in zip(*rounds, strict=True)]
    shown = [[name, *(f"{value:.2f}" for value in row)] for name, row in zip(("off", "on"), rows, strict=True)]
    added = ["added", *(f"{on - off:+.2f}" for off, on in zip(*rows, strict=True))]
    print(f"median of {options.rounds} rounds of {options.seconds:g} s; {CLIENTS} clients at {FRAMES} frames")
    print(f"{machine()}\n")
    print(table(HEADER, [*shown, added]))
    cost = sum(rows[1][:2]) - sum(rows[0][:2])
    print(f"\nadded to daemon and probe: {cost:.2f} % of a core (aim: at most 0.3 %)")


def measure(server: Jackd, seconds: float, *, on: bool) -> list[float]:
    """Return one line of the table."""
    config = f'audio.observers = "auto"\naudio.jack_server = "{server.name}"\naudio.explain = {str(on).lower()}'
    with tempfile.TemporaryDirectory() as folder, agent(Path(folder), config) as running:
        eventually(lambda: "audio_device_buffer_interval" in running.get("/metrics")[2], "the probe measures")
        time.sleep(WARM_UP)
        return list(_cost(running, seconds))


def _cost(running: AgentProcess, seconds: float) -> Iterator[float]:
    daemon, probe = tree(running.process.pid)[:2]
    delays = _delays(running.get("/metrics")[2])
    before = _used(daemon.pid, probe.pid)
    began = time.monotonic()
    time.sleep(seconds)
    after = _used(daemon.pid, probe.pid)
    elapsed = time.monotonic() - began
    of_daemon, of_probe, of_callback = (end - start for start, end in zip(before, after, strict=True))
    yield of_daemon / elapsed * 100
    yield of_probe / elapsed * 100
    yield of_callback / elapsed * 1e6 * FRAMES / 48_000
    later = _delays(running.get("/metrics")[2])
    yield max((bound for bound, count in later.items() if count > delays[bound]), default=0.0) * 1000
    yield uss_mib([daemon, probe])


def _used(daemon: int, probe: int) -> tuple[float, float, float]:
    """Return CPU seconds of the daemon, of the probe and of the probe's callback."""
    main_thread = Path(f"/proc/{probe}/task/{probe}/schedstat").read_text(encoding="ascii")
    of_probe = cpu_seconds(probe)
    return cpu_seconds(daemon), of_probe, of_probe - int(main_thread.split()[0]) / 1e9


def _delays(page: str) -> dict[float, int]:
    """Return the number of delays of the event loop in each bucket, by its upper bound in seconds."""
    found = re.findall(r'wr_agent_event_loop_lag_seconds_bucket\{le="([^"]+)"\} (\d+)', page)
    counts = [0, *(int(count) for _, count in found)]
    return {float(bound): count - before for (bound, _), before, count in zip(found, counts, counts[1:], strict=False)}


if __name__ == "__main__":
    main()
