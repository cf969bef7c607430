"""An agent whose snapshots are also noted in a file, by an observer that its kills spare. For `remote_write_faults`.

Run: python -m bench.remote_write_observed CONFIG NOTES CLOCK

The observer notes the time of a snapshot before the queue takes it, and its samples once the queue has returned. Its
clock is ahead by the seconds in the file CLOCK. Each snapshot has further series, which change, end and come back.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from agent.cli import main
from agent.core.collectors import Collectors
from agent.push.record import VALUE_BYTES, Record
from agent.push.recorder import Recorder

CHURN = 40
NOISE = 60


def observe(notes: Path) -> None:
    """Note each snapshot in a file, one line before it is in the queue and one after."""
    fd = os.open(notes, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    record = Recorder.record

    def observed(self: Recorder, group: int, time: int, text: str) -> Record:
        _note(fd, {"taking": time})
        taken = record(self, group, time, text)
        values = taken.values
        pairs = [
            (labels.hex(), values[VALUE_BYTES * n : VALUE_BYTES * (n + 1)].hex())
            for n, labels in enumerate(taken.layout.series)
        ]
        on_disk = not self._queue.problem
        _note(fd, {"taken": time, "on_disk": on_disk, "samples": pairs})
        return taken

    Recorder.record = observed  # type: ignore[method-assign]  # the seam of the observer


def vary(seed: int) -> None:
    """Add series to each page: some that come and go, and values of which each bit changes."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    page = Collectors._pushed_page  # noqa: SLF001 - the seam of the benchmark
    count = 0

    async def varied(self: Collectors, collect: Sequence[str], exclude: Sequence[str]) -> bytes:
        nonlocal count
        count += 1
        lines = [b"# TYPE bench_churn gauge"]
        lines += [b'bench_churn{n="%d"} %d' % (n, count) for n in range(CHURN) if chance.random() < 0.9]  # noqa: PLR2004
        lines += [b"# TYPE bench_noise gauge"]
        lines += [b'bench_noise{n="%d"} %r' % (n, chance.random()) for n in range(NOISE)]
        lines += [b"# TYPE bench_poison gauge", b"bench_poison %d" % count]
        return await page(self, collect, exclude) + b"\n".join(lines) + b"\n"

    Collectors._pushed_page = varied  # type: ignore[method-assign]  # noqa: SLF001 - the seam of the benchmark


def step(clock: Path) -> None:
    """Let the clock be ahead by the seconds in a file."""
    real, real_ns = time.time, time.time_ns

    def ahead() -> float:
        try:
            return float(clock.read_text() or 0)
        except (OSError, ValueError):
            return 0.0

    time.time = lambda: real() + ahead()
    time.time_ns = lambda: real_ns() + int(ahead() * 1e9)


def _note(fd: int, line: object) -> None:
    os.write(fd, json.dumps(line).encode() + b"\n")


if __name__ == "__main__":
    config, notes, clock = sys.argv[1:4]
    step(Path(clock))
    observe(Path(notes))
    vary(os.getpid())
    sys.exit(main(["run", "--config", config]))
