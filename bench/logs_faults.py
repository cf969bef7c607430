"""The survival of log lines through random schedules of writers, rotations, clock steps, kill -9 and a failing Loki.

Run: python -m bench.logs_faults [SCHEDULES] [FIRST SEED]

Each schedule follows from its seed alone. Two logs have two writers each. Rotations have every kind and name, also
several between two polls and while the agent is down, and into an `olddir`. More than 64 unread files are deleted or
moved out of reach while Loki is down. The agent is killed at arbitrary moments. Its clock steps forward
and back by minutes to weeks, with and without a restart. Lines are hours or days old, lack a time, or repeat an earlier
line. A file name is not UTF-8. Loki is down, slow, refuses, limits, drops connections, allows no metadata, or hides
behind a proxy that answers with pages. The stand-in of Loki has the order limits of a real one: an hour behind
the newest entry of a stream, ten minutes ahead of its clock, seven days old.

At the end Loki is well and an agent runs. Every line must be stored as often as it was written; a further copy with
another time or file name is a double. Half of the schedules write lines with their time. One line is printed for each
schedule; 300 of them take twenty to forty minutes.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from bench.table import machine, table
from collectors.logs.files.positions import Positions
from tests.support.agent import AgentProcess
from tests.support.log_rotations import COMPRESSORS, NAMES, RotatedLog
from tests.support.loki import Loki, loki
from tests.support.waiting import eventually

SCHEDULES = 300
STEPS = 16
AT_ONCE = 3
DEADLINE = 60.0
PATIENCE = 15.0
CROWD = 80
"""More files than a source keeps open after they are read."""

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

PAGE = "<html><head><title>{0}</title></head><body><center><h1>{0}</h1></center><hr>nginx</body></html>"
GATEWAY = {
    "200 login page": (200, "<!doctype html><title>Sign in</title>"),
    "301": (301, PAGE.format("301 Moved Permanently")),
    "400 page": (400, PAGE.format("400 Request Header Or Cookie Too Large")),
    "413": (413, PAGE.format("413 Request Entity Too Large")),
    "502 page": (502, PAGE.format("502 Bad Gateway")),
}
STEPS_OF_CLOCK = (-30 * 86400.0, -3 * 3600.0, -600.0, 1200.0, 3600.0, 30 * 86400.0)
AGES = (5.0, 1800.0, 2 * 3600.0, 30 * 3600.0, 10 * 86400.0)
CLOCK = """# The agent's clock, which is ahead by the seconds in the file that an environment variable names.
import os, time
path, real, real_ns = os.environ["STEPPED_CLOCK"], time.time, time.time_ns
def ahead():
    try:
        return float(open(path).read() or 0)
    except (OSError, ValueError):
        return 0.0
time.time = lambda: real() + ahead()
time.time_ns = lambda: real_ns() + int(ahead() * 1e9)
"""
ADDED = re.compile(r'(, ?"original_time": ?"[^"]*"(?=}$))|( original_time="[^"]*"$)')

TIMED = '{ json = { fields = ["time"] } }, { timestamp = { field = "time" } }'


@dataclass
class Outcome:
    """The counts of one schedule's lines."""

    seed: int
    written: int = 0
    delivered: int = 0
    doubles: int = 0
    actions: Counter[str] = field(default_factory=Counter)
    odd: list[str] = field(default_factory=list)
    kept: Path | None = None

    @property
    def lost(self) -> int:
        """Lines that were written and are not in Loki."""
        return self.written - self.delivered

    def __str__(self) -> str:
        """Return one line of the report."""
        return (
            f"seed {self.seed}: {self.written} written, {self.delivered} delivered, "
            f"{self.lost} lost, {self.doubles} twice{''.join(f'; {line[:90]}' for line in self.odd)}"
            f"{f'; files: {self.kept}' if self.kept else ''}"
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
        self._written: Counter[str] = Counter()
        self._clock = folder / "clock"
        (folder / "site").mkdir()
        (folder / "site" / "sitecustomize.py").write_text(CLOCK)
        (Path(os.fsdecode(os.fsencode(logs) + b"/odd-\xff.log"))).write_bytes(b"")
        self._odd = os.fsencode(logs) + b"/odd-\xff.log"
        self._ahead = 0.0
        self._config = CONFIG.format(url=sink.url, folder=logs, stages=TIMED if self._timed else "")
        self._agent: AgentProcess | None = self._start()
        positions = folder / "state" / "log-positions.json"
        eventually(lambda: positions.exists() and b"app.log" in positions.read_bytes(), "the agent knows the logs")

    def run(self) -> Outcome:
        """Go through the schedule, then wait for the last line."""
        actions: list[tuple[Callable[[], None], int]] = [
            (self.write, 6),
            (self.write_in_two_pieces, 1),
            (self.write_untimed, 1),
            (self.write_old, 1),
            (self.write_equal, 1),
            (self.write_odd, 1),
            (self.step_clock, 2),
            (self.step_clock_while_down, 1),
            (self.rotate, 5),
            (self.rotate_twice, 1),
            (self.rotate_while_down, 1),
            (self.rotate_away, 2),
            (self.remove_unread, 1),
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
            self._set_clock(0.0)
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

    def write_untimed(self) -> None:
        """Write a traceback between lines with their time."""
        log = self._random.choice(self._logs)
        log.write(self._line())
        for _ in range(self._random.choice((1, 5))):
            log.write(self._noted(f"  at frame {self._written.total()} of schedule {self.outcome.seed}"))

    def write_old(self) -> None:
        """Write lines of hours or days ago, oldest first, as of a log that was restored."""
        log, age = self._random.choice(self._logs), self._random.choice(AGES)
        count = self._random.choice((1, 30))
        log.write(b"".join(self._line(age * (count - number) / count) for number in range(count)))

    def write_equal(self) -> None:
        """Write one line repeatedly, with others between."""
        log, count = self._random.choice(self._logs), self._random.choice((1, 200, 1500))
        moment = self._now().replace(microsecond=0)
        text = f"equal of schedule {self.outcome.seed} {self._written.total()}"
        line = json.dumps({"time": moment.isoformat(), "text": text}) if self._timed else text
        for _ in range(self._random.choice((2, 3))):
            log.write(self._noted(line))
            log.write(b"".join(self._line() for _ in range(count)))

    def write_odd(self) -> None:
        """Write to a log whose name is not UTF-8."""
        with open(self._odd, "ab") as file:  # noqa: PTH123 - a name of bytes
            file.write(self._line())

    def step_clock(self) -> None:
        """Set the clock of the agent and of the writers wrong, or correct it."""
        self._set_clock(0.0 if self._ahead and self._random.random() < 0.6 else self._random.choice(STEPS_OF_CLOCK))  # noqa: PLR2004 - more often corrected than not

    def step_clock_while_down(self) -> None:
        """Step the clock while the agent is down, with lines written before and after."""
        self.kill()
        self.write()
        self.step_clock()
        self.write()
        self.restart()

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

    def rotate_away(self) -> None:
        """Rotate a log into another folder once the agent knows its first lines, as the documentation asks for."""
        log = self._random.choice(self._logs)
        ending = self._random.choice(("", *COMPRESSORS))
        self.restart()
        self._write(log)
        inode = log.path.stat().st_ino
        if _holds(lambda: self._is_known(log.path, inode)):
            self.outcome.actions[f"rotation: olddir {ending}"] += 1
            log.move_away(ending)

    def remove_unread(self) -> None:
        """Delete files, or move them out of reach, that the agent holds open and cannot send."""
        self.restart()
        self.heal_loki()
        self._sink.down()
        self._down = True
        paths = [self._folder / "logs" / f"crowd-{number}.log" for number in range(CROWD)]
        lines = set()
        for path in paths:
            line = self._line()
            lines.add(line.decode().removesuffix("\n"))
            with path.open("ab") as file:
                file.write(line)
        if _holds(lambda: {str(path) for path in paths} <= self._open_files()):
            self.outcome.actions[f"removed while unread: {CROWD} files"] += 1
            away = self._folder / "away"
            away.mkdir(exist_ok=True)
            for number, path in enumerate(paths):
                if number % 2:
                    path.unlink()
                else:
                    path.rename(away / f"{time.time_ns()}-{path.name}")
        self.heal_loki()
        _holds(lambda: lines <= {ADDED.sub("", line) for line in self._sink.lines()})

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
        kind = self._random.choice(
            ("down", "slow", "401", "429", "500", "drop-before", "drop-after", "no metadata", *GATEWAY)
        )
        self.outcome.actions[f"Loki: {kind}"] += 1
        match kind:
            case "down":
                self._sink.down()
                self._down = True
            case "slow":
                self._sink.fault("slow", seconds=1.0)
            case "401" | "429" | "500":
                self._sink.fault("answer", status=int(kind))
            case "no metadata":
                self._sink.limits(allow_metadata=False)
            case "drop-before" | "drop-after":
                self._sink.fault(kind)
            case _:
                status, text = GATEWAY[kind]
                self._sink.fault("answer", status=status, text=text)

    def heal_loki(self) -> None:
        """End Loki's fault."""
        if self._down:
            self._sink.up()
            self._down = False
        self._sink.well()
        self._sink.limits(allow_metadata=True)

    def _is_known(self, path: Path, inode: int) -> bool:
        """Check whether the agent has saved the first bytes of a file."""
        saved = Positions(self._folder / "state" / "log-positions.json").load().files("faults").get(str(path))
        if not saved or saved[-1].inode != inode:
            return False
        head = saved[-1].head
        return head.length > 0 and head.matches(path.read_bytes()[: head.length])

    def _open_files(self) -> set[str]:
        """Return the files that the agent holds open."""
        found = set()
        if self._agent is not None:
            for descriptor in Path(f"/proc/{self._agent.process.pid}/fd").iterdir():
                with contextlib.suppress(OSError):  # just closed
                    found.add(str(descriptor.readlink()))
        return found

    def _start(self) -> AgentProcess:
        environment = {"STEPPED_CLOCK": str(self._clock), "PYTHONPATH": str(self._folder / "site")}
        return AgentProcess(self._folder, self._config, environment)

    def _set_clock(self, ahead: float) -> None:
        self._ahead = ahead
        fresh = self._clock.with_suffix(".new")
        fresh.write_text(str(ahead))
        fresh.replace(self._clock)

    def _now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self._ahead)

    def _write(self, log: RotatedLog) -> None:
        write = self._random.choice((log.write, log.write_held))
        write(b"".join(self._line() for _ in range(self._random.choice((1, 20, 400)))))

    def _rotate(self, log: RotatedLog) -> None:
        kind = self._random.choice(("rename", "copytruncate", "recreate", *NAMES, *COMPRESSORS))
        self.outcome.actions[f"rotation: {kind}"] += 1
        match kind:
            case "rename":
                log.rename()
            case "copytruncate":
                log.copy_and_truncate()
            case "recreate":
                log.recreate()
            case _ if kind in COMPRESSORS:
                log.compress(kind)
            case _:
                log.rename_as(kind)
        if self._random.random() < 0.5:  # noqa: PLR2004 - as often as not the writer goes on in the old file
            log.reopen()

    def _line(self, age: float = 0.0) -> bytes:
        text = f"line {self._written.total()} of schedule {self.outcome.seed} " + "x" * self._random.choice(
            (0, 50, 300)
        )
        moment = self._now() - timedelta(seconds=age)
        return self._noted(json.dumps({"time": moment.isoformat(), "text": text}) if self._timed else text)

    def _noted(self, line: str) -> bytes:
        self._written[line] += 1
        return f"{line}\n".encode()

    def _await_all(self) -> None:
        deadline = time.monotonic() + DEADLINE
        copies: dict[str, set[tuple[int, str]]] = {}
        while time.monotonic() < deadline and any(
            len(copies.get(line, ())) < count for line, count in self._written.items()
        ):
            time.sleep(0.2)
            copies = {}
            for entry in self._sink.entries():
                line = ADDED.sub("", entry.line)  # what a Loki without structured metadata got in the text
                copies.setdefault(line, set()).add((entry.ns, entry.labels["filename"]))
        self.outcome.written = self._written.total()
        found = {line: len(places) for line, places in copies.items()}
        self.outcome.delivered = sum(min(found.get(line, 0), count) for line, count in self._written.items())
        self.outcome.doubles = sum(max(count - self._written[line], 0) for line, count in found.items())
        self.outcome.odd = [line for line, count in self._written.items() if found.get(line, 0) != count][:3]


def _holds(look: Callable[[], object]) -> bool:
    """Return True once a condition holds, or False after `PATIENCE` seconds."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if look():
            return True
        time.sleep(0.05)
    return False


def run(seed: int) -> Outcome:
    """Run one schedule, with a Loki and a folder of its own. Keep the folder of a schedule that failed."""
    folder = Path(tempfile.mkdtemp(prefix=f"logs-faults-{seed}-"))
    with loki() as sink:
        outcome = Schedule(seed, folder, sink).run()
        if outcome.lost or outcome.doubles:
            outcome.kept = folder
            (folder / "entries.json").write_bytes(msgspec.json.encode(sink.entries()))
            (folder / "requests.json").write_bytes(msgspec.json.encode(sink.requests()))
        else:
            shutil.rmtree(folder)
    return outcome


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
