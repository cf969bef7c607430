"""The survival of log lines: random schedules of writing, rotation, kill -9 and a Loki that fails.

Run: python -m bench.logs_faults [SCHEDULES] [FIRST SEED]

A schedule follows from its seed alone. It has two logs with two writers each, and rotations of every kind, also several
between two looks and while the agent is down. It kills the agent with kill -9 at arbitrary moments. Loki is down or
slow, refuses, limits or drops connections. At the end Loki is well and an agent runs, and Loki must have stored every
written line once. A second copy with another timestamp, or under another name, is a double. Half of the schedules write
lines that carry their time, half leave it to the agent. One line is printed a schedule; 300 take ten to twenty minutes.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bench.table import machine, table
from tests.support.agent import AgentProcess
from tests.support.log_rotations import COMPRESSORS, RotatedLog
from tests.support.loki import Loki, loki
from tests.support.waiting import eventually

SCHEDULES = 300
STEPS = 16
AT_ONCE = 3
DEADLINE = 60.0

CONFIG = """
web.collect_timeout = "5s"
host.enabled = false
loki.url = "{url}"
loki.longest_wait = "1s"
loki.timeout = "2s"
[[logs.sources]]
name = "faults"
paths = ["{folder}/*.log"]
stages = [{stages}]
"""

TIMED = '{ json = { fields = ["time"] } }, { timestamp = { field = "time" } }'


@dataclass
class Outcome:
    """The counts of one schedule's lines."""

    seed: int
    written: int = 0
    delivered: int = 0
    doubles: int = 0
    actions: Counter[str] = field(default_factory=Counter)

    @property
    def lost(self) -> int:
        """Lines that were written and are not in Loki."""
        return self.written - self.delivered

    def __str__(self) -> str:
        """Return one line of the report."""
        return (
            f"seed {self.seed}: {self.written} written, {self.delivered} delivered, "
            f"{self.lost} lost, {self.doubles} twice"
        )


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
        self._folder = folder
        logs = folder / "logs"
        logs.mkdir()
        self._logs = [RotatedLog(logs / name) for name in ("engine.log", "app.log")]
        self._written: set[str] = set()
        self._config = CONFIG.format(url=sink.url, folder=logs, stages=TIMED if self._timed else "")
        self._agent: AgentProcess | None = self._start()
        positions = folder / "state" / "log-positions.json"
        eventually(lambda: positions.exists() and b"app.log" in positions.read_bytes(), "the agent knows the logs")

    def run(self) -> Outcome:
        """Go through the schedule, then wait for the last line."""
        actions: list[tuple[Callable[[], None], int]] = [
            (self.write, 6),
            (self.write_in_two_pieces, 1),
            (self.rotate, 5),
            (self.rotate_twice, 1),
            (self.rotate_while_down, 1),
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
            for log in self._logs:
                log.close()
        return self.outcome

    def write(self) -> None:
        """Write a burst of lines by one of the writers."""
        self._write(self._random.choice(self._logs))

    def write_in_two_pieces(self) -> None:
        """Write a line in two parts with a pause."""
        log, line = self._random.choice(self._logs), self._line()
        log.write(line[:20])
        time.sleep(self._random.choice((0.0, 0.1, 0.5)))
        log.write(line[20:])

    def rotate(self) -> None:
        """Rotate one of the logs in a random way."""
        self._rotate(self._random.choice(self._logs))

    def rotate_twice(self) -> None:
        """Rotate twice, too fast for the agent to look in between."""
        log = self._random.choice(self._logs)
        for _ in range(2):
            self._write(log)
            self._rotate(log)

    def rotate_while_down(self) -> None:
        """Kill the agent, and rotate what it had not read."""
        self.kill()
        self.rotate_twice()
        self.restart()

    def kill(self) -> None:
        """End the agent by kill -9."""
        if self._agent is not None:
            self._agent.process.kill()
            self._agent.process.wait()
            self._agent = None

    def restart(self) -> None:
        """Start an agent."""
        if self._agent is None:
            self._agent = self._start()

    def fail_loki(self) -> None:
        """Give Loki a random fault."""
        self.heal_loki()
        kind = self._random.choice(("down", "slow", "401", "429", "500", "drop-before", "drop-after"))
        self.outcome.actions[f"Loki: {kind}"] += 1
        match kind:
            case "down":
                self._sink.down()
                self._down = True
            case "slow":
                self._sink.fault("slow", seconds=1.0)
            case "401" | "429" | "500":
                self._sink.fault("answer", status=int(kind))
            case _:
                self._sink.fault(kind)

    def heal_loki(self) -> None:
        """End Loki's fault."""
        if self._down:
            self._sink.up()
            self._down = False
        self._sink.well()

    def _start(self) -> AgentProcess:
        return AgentProcess(self._folder, self._config)

    def _write(self, log: RotatedLog) -> None:
        write = self._random.choice((log.write, log.write_held))
        write(b"".join(self._line() for _ in range(self._random.choice((1, 20, 400)))))

    def _rotate(self, log: RotatedLog) -> None:
        kind = self._random.choice(("rename", "copytruncate", "recreate", *COMPRESSORS))
        self.outcome.actions[f"rotation: {kind}"] += 1
        match kind:
            case "rename":
                log.rename()
            case "copytruncate":
                log.copy_and_truncate()
            case "recreate":
                log.recreate()
            case _:
                log.compress(kind)
        if self._random.random() < 0.5:  # noqa: PLR2004 - as often as not the writer goes on in the old file
            log.reopen()

    def _line(self) -> bytes:
        number = len(self._written)
        text = f"line {number} of schedule {self.outcome.seed} " + "x" * self._random.choice((0, 50, 300))
        line = json.dumps({"time": datetime.now(UTC).isoformat(), "text": text}) if self._timed else text
        self._written.add(line)
        return f"{line}\n".encode()

    def _await_all(self) -> None:
        deadline = time.monotonic() + DEADLINE
        copies: dict[str, set[tuple[int, str]]] = {}
        while time.monotonic() < deadline and not self._written <= copies.keys():
            time.sleep(0.2)
            copies = {}
            for entry in self._sink.entries():
                copies.setdefault(entry.line, set()).add((entry.ns, entry.labels["filename"]))
        self.outcome.written = len(self._written)
        self.outcome.delivered = len(self._written & copies.keys())
        self.outcome.doubles = sum(len(places) - 1 for places in copies.values())


def run(seed: int) -> Outcome:
    """Run one schedule, with a Loki and a folder of its own."""
    with tempfile.TemporaryDirectory() as folder, loki() as sink:
        return Schedule(seed, Path(folder), sink).run()


def main() -> None:
    """Run all schedules and print the table; exits 1 if a line was lost or doubled."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else SCHEDULES
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 1  # noqa: PLR2004 - the second argument
    began, outcomes = time.monotonic(), []
    with ThreadPoolExecutor(AT_ONCE) as threads:
        for future in as_completed([threads.submit(run, seed) for seed in range(first, first + count)]):
            outcomes.append(future.result())
            print(f"{len(outcomes)} of {count}, {outcomes[-1]}", flush=True)
    totals = sum((outcome.actions for outcome in outcomes), Counter[str]())
    sums = [sum(getattr(outcome, name) for outcome in outcomes) for name in ("written", "delivered", "lost", "doubles")]
    seconds = time.monotonic() - began
    print(f"\n{count} schedules of {STEPS} steps, seeds from {first}, {seconds:.0f} s; {machine()}\n")
    print(table(["", "number"], [[name, f"{number:,}"] for name, number in sorted(totals.items())]))
    print()
    header = ["", "written", "delivered", "lost", "twice"]
    print(table(header, [["lines", *(f"{number:,}" for number in sums)]]))
    sys.exit(1 if sums[2] or sums[3] else 0)


if __name__ == "__main__":
    main()
