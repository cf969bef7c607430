"""The cost of the probe: CPU of its process and of the daemon for buffers of 64 to 256 frames and 2 to 32 channels.

Run: python -m bench.audio_cost [--quick]

Audio is a real jackd on the dummy driver at 48 kHz. CPU is what the scheduler gave every thread, in percent of one
core. `callback` is the thread that JACK wakes once a cycle: its cost begins and ends in the kernel.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from bench.processes import cpu_seconds, tree, uss_mib
from bench.table import machine, table
from tests.support.agent import agent
from tests.support.jackd import Jackd
from tests.support.waiting import eventually

RATE = 48_000
FRAMES = (64, 128, 256)
CHANNELS = (2, 8, 32)
WARM_UP = 3.0
HEADER = ("frames", "channels", "probe CPU %", "callback %", "levels %", "us a cycle", "daemon CPU %", "probe USS MiB")


def main() -> None:
    """Measure the matrix and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="4 s each instead of 20 s")
    seconds = 4.0 if parser.parse_args().quick else 20.0
    rows = [measure(frames, channels, seconds) for frames, channels in product(FRAMES, CHANNELS)]
    print(f"{seconds:g} s each, jackd dummy at {RATE} Hz; {machine()}\n")
    print(table(HEADER, rows))


def measure(frames: int, channels: int, seconds: float) -> list[str]:
    """Return one line of the table."""
    server = Jackd(RATE, frames, channels)
    try:
        server.start()
        return [str(frames), str(channels), *_cost(server, seconds)]
    finally:
        server.close()


def _cost(server: Jackd, seconds: float) -> Iterator[str]:
    config = f'audio.observers = "auto"\naudio.jack_server = "{server.name}"'
    with tempfile.TemporaryDirectory() as folder, agent(Path(folder), config) as running:
        eventually(lambda: "audio_device_buffer_interval" in running.get("/metrics")[2], "the probe measures")
        time.sleep(WARM_UP)
        daemon, probe = tree(running.process.pid)
        before = _used(daemon.pid, probe.pid)
        began = time.monotonic()
        time.sleep(seconds)
        after = _used(daemon.pid, probe.pid)
        percent = 100 / (time.monotonic() - began)
        of_daemon, of_probe, of_levels = ((end - start) * percent for start, end in zip(before, after, strict=True))
        yield from (f"{of_probe:.2f}", f"{of_probe - of_levels:.2f}", f"{of_levels:.2f}")
        yield f"{of_probe / 100 * 1e6 * server.frames / server.rate:.1f}"
        yield from (f"{of_daemon:.2f}", f"{uss_mib([probe]):.1f}")


def _used(daemon: int, probe: int) -> tuple[float, float, float]:
    """Return CPU seconds of the daemon, of the probe, and of the probe's main thread, which computes the levels."""
    main_thread = Path(f"/proc/{probe}/task/{probe}/schedstat").read_text(encoding="ascii")
    return cpu_seconds(daemon), cpu_seconds(probe), int(main_thread.split()[0]) / 1e9


if __name__ == "__main__":
    main()
