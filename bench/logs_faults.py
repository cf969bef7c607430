"""Whether log lines survive: random schedules of writing, rotation, kill -9 and a Loki that fails.

Run: python -m bench.logs_faults [SCHEDULES] [FIRST SEED]

Each schedule is drawn from its seed alone: bursts of lines, rotations of every kind, kill -9 of the agent at arbitrary
moments, a Loki that is down, slow, refusing, limiting or dropping connections. At the end Loki is well and an agent
runs, and every line that was written must have been stored once; a second copy with another timestamp is a double.
Half of the schedules write lines that carry their time, half leave it to the agent.
"""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bench.table import machine, table
from tests.support.agent import AgentProcess
from tests.support.loki import Loki, loki
from tests.support.waiting import eventually

SCHEDULES = 300
STEPS = 14
AT_ONCE = 2
DEADLINE = 30.0

CONFIG = """
web.collect_timeout = "5s"
host.enabled = false
loki.url = "{url}"
loki.longest_wait = "1s"
loki.timeout = "2s"
[[logs.sources]]
name = "faults"
paths = ["{path}"]
stages = [{stages}]
"""

TIMED = '{ json = { fields = ["time"] } }, { timestamp = { field = "time" } }'

COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
}


@dataclass
class Outcome:
    """What became of one schedule's lines."""

    seed: int
    written: int = 0
    lost: int = 0
    doubles: int = 0
    actions: Counter[str] = field(default_factory=Counter)


class Schedule:
    """One random course of events.

    Args:
        seed: Decides everything.
        folder: Where the logs and the agent's state are.
        sink: The stand-in for Loki.
    """

    def __init__(self, seed: int, folder: Path, sink: Loki) -> None:
        self.outcome = Outcome(seed)
        self._random = random.Random(seed)  # noqa: S311 - repeatable, which is the point
        self._timed = seed % 2 == 0
        self._sink = sink
        self._down = False
        self._path = folder / "app.log"
        self._folder = folder
        self._written: set[str] = set()
        self._config = CONFIG.format(url=sink.url, path=self._path, stages=TIMED if self._timed else "")
        self._path.touch()
        self._agent: AgentProcess | None = self._start()
        positions = folder / "state" / "log-positions.json"
        eventually(lambda: positions.exists() and b"app.log" in positions.read_bytes(), "the agent knows the log")

    def run(self) -> Outcome:
        """Go through the schedule, then wait for the last line."""
        actions: list[tuple[Callable[[], None], int]] = [
            (self.write, 6),
            (self.rename, 2),
            (self.copy_and_truncate, 1),
            (self.rename_and_compress, 1),
            (self.recreate, 1),
            (self.kill, 2),
            (self.restart, 2),
            (self.fail_loki, 2),
            (self.heal_loki, 2),
        ]
        try:
            for _ in range(STEPS):
                (action,) = self._random.choices([a for a, _ in actions], [weight for _, weight in actions])
                self.outcome.actions[action.__name__] += 1
                action()
                time.sleep(self._random.choice((0.0, 0.0, 0.05, 0.3)))
            self.heal_loki()
            self.restart()
            self.write()
            self._await_all()
        finally:
            self.kill()
        return self.outcome

    def write(self) -> None:
        """A burst of lines, now and then without the last newline for a moment."""
        with self._path.open("a") as file:
            for _ in range(self._random.choice((1, 20, 400))):
                file.write(self._line())
            file.flush()

    def rename(self) -> None:
        """As logrotate's `create`: the older ones move up, the log becomes the first of them."""
        self._shift()
        self._path.rename(f"{self._path}.1")
        self._path.touch()

    def copy_and_truncate(self) -> None:
        """As logrotate's `copytruncate`; nothing is written between the two, which no reader could save."""
        self._shift()
        shutil.copyfile(self._path, f"{self._path}.1")
        with self._path.open("r+") as file:
            file.truncate(0)

    def rename_and_compress(self) -> None:
        """As logrotate's `compress`."""
        self.rename()
        ending = self._random.choice(list(COMPRESSORS))
        rotated = Path(f"{self._path}.1")
        Path(f"{rotated}{ending}").write_bytes(COMPRESSORS[ending](rotated.read_bytes()))
        rotated.unlink()

    def recreate(self) -> None:
        """Rotated under a date, and created anew: very likely with the inode of a file that is gone."""
        self._path.rename(f"{self._path}-{time.strftime('%Y%m%d')}-{time.time_ns()}")
        self._path.touch()

    def kill(self) -> None:
        """End the agent by kill -9, wherever it is."""
        if self._agent is not None:
            self._agent.process.kill()
            self._agent.process.wait()
            self._agent = None

    def restart(self) -> None:
        """An agent runs from here on."""
        if self._agent is None:
            self._agent = self._start()

    def fail_loki(self) -> None:
        """Loki goes wrong in one way or another."""
        self.heal_loki()
        kind = self._random.choice(("down", "slow", "500", "429", "drop-before", "drop-after"))
        self.outcome.actions[kind] += 1
        match kind:
            case "down":
                self._sink.down()
                self._down = True
            case "slow":
                self._sink.fault("slow", seconds=1.0)
            case "500" | "429":
                self._sink.fault("answer", status=int(kind))
            case _:
                self._sink.fault(kind)

    def heal_loki(self) -> None:
        """Loki is well."""
        if self._down:
            self._sink.up()
            self._down = False
        self._sink.well()

    def _start(self) -> AgentProcess:
        return AgentProcess(self._folder, self._config)

    def _line(self) -> str:
        number = len(self._written)
        text = f"line {number} of schedule {self.outcome.seed} " + "x" * self._random.choice((0, 50, 300))
        line = json.dumps({"time": datetime.now(UTC).isoformat(), "text": text}) if self._timed else text
        self._written.add(line)
        return f"{line}\n"

    def _shift(self) -> None:
        for number in range(8, 0, -1):
            for ending in ("", *COMPRESSORS):
                older = Path(f"{self._path}.{number}{ending}")
                if older.exists():
                    older.rename(f"{self._path}.{number + 1}{ending}")

    def _await_all(self) -> None:
        deadline = time.monotonic() + DEADLINE
        times: dict[str, set[int]] = {}
        while time.monotonic() < deadline and not self._written <= times.keys():
            time.sleep(0.2)
            times = {}
            for entry in self._sink.entries():
                times.setdefault(entry.line, set()).add(entry.ns)
        self.outcome.written = len(self._written)
        self.outcome.lost = len(self._written - times.keys())
        self.outcome.doubles = sum(len(instants) - 1 for instants in times.values())


def run(seed: int) -> Outcome:
    """One schedule, with a Loki and a folder of its own."""
    with tempfile.TemporaryDirectory() as folder, loki() as sink:
        outcome = Schedule(seed, Path(folder), sink).run()
    if outcome.lost or outcome.doubles:
        print(f"seed {seed}: {outcome}", file=sys.stderr)
    return outcome


def main() -> None:
    """Run all schedules and print the table; exits 1 if a line was lost or doubled."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else SCHEDULES
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 1  # noqa: PLR2004 - the second argument
    with ThreadPoolExecutor(AT_ONCE) as threads:
        outcomes = list(threads.map(run, range(first, first + count)))
    totals = sum((outcome.actions for outcome in outcomes), Counter[str]())
    sums = [sum(getattr(outcome, name) for outcome in outcomes) for name in ("written", "lost", "doubles")]
    print(f"{count} schedules of {STEPS} steps, seeds from {first}; {machine()}\n")
    print(table(["", "number"], [[name, f"{number:,}"] for name, number in sorted(totals.items())]))
    print()
    print(table(["", "lines written", "lost", "doubles"], [["all", *(f"{number:,}" for number in sums)]]))
    sys.exit(1 if sums[1] or sums[2] else 0)


if __name__ == "__main__":
    main()
