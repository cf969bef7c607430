"""The survival of samples through random schedules of kills, freezes, refusals, a full disk and clock steps.

Run: python -m bench.remote_write_faults [SCHEDULES] [FIRST SEED] [STEPS]

Each schedule has a real agent, a real Prometheus and a proxy between them. The agent is killed by SIGKILL at arbitrary
moments. Prometheus is killed or frozen. The proxy answers 400, 429, 500 or 503, hangs, closes connections before or
after Prometheus has stored the request, or refuses each request that has one certain series. The agent's state
directory is a small file system of its own that fills up. The agent's clock steps forward and back, at once by less
than an hour; times follow a larger step back.

An observer inside the agent notes each snapshot before and after the queue takes it. At the end all parts are well.
Then each sample of each noted snapshot must be at Prometheus with its time and value (else it is lost), Prometheus must
have no other sample (else it is doubled), and the times of each series must ascend in the order of the snapshots.

A snapshot of which only the start is noted may be at Prometheus or not: the agent was killed within it. One that the
full disk did not take may be missing after a kill. The refused series is counted apart.
"""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import msgspec

from agent.push.progress import Progress
from agent.push.record import STALE
from agent.push.remote_write import DIRECTORY
from agent.push.segment import SUFFIX, Segment, scan
from agent.push.wire import decode_labels
from bench.table import machine
from tests.support.write_proxy import FAULTS, WriteProxy, write_proxy
from tests.support.write_servers import WriteServer, write_receiver

SCHEDULES = 200
STEPS = 10
AT_ONCE = 3
DEADLINE = 90.0
LAST = 600.0
"""Seconds from which a queue that is not empty counts as stuck; until then, a busy machine may need them."""

_START = 60.0
DISK_BYTES = 3 << 20
STEPS_OF_CLOCK = (-2000.0, -600.0, -20.0, -1.5, 0.0, 0.0, 2.0, 60.0, 1200.0)
POISONED = "bench_poison"

CONFIG = """
state_dir = "{folder}/disk/state"
machine = "bench"
web.listen = "off"
audio.enabled = false
host.enabled = false
plugins.enabled = false
containers.enabled = false
[remote_write]
url = "{url}"
interval = "100ms"
timeout = "1500ms"
longest_wait = "1s"
max_size = "1MiB"
"""

Key = tuple[tuple[str, str], ...]


@dataclass
class Outcome:
    """The counts of one schedule's samples."""

    seed: int
    taken: int = 0
    lost: int = 0
    doubled: int = 0
    disordered: int = 0
    in_memory: int = 0
    snapshots: int = 0
    actions: Counter[str] = field(default_factory=Counter)
    odd: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """True if nothing is lost, doubled or out of order."""
        return not (self.lost or self.doubled or self.disordered or self.odd)

    def __str__(self) -> str:
        """Return one line of the report."""
        odd = "".join(f"; {line[:200]}" for line in self.odd)
        return (
            f"seed {self.seed}: {self.snapshots} snapshots, {self.taken} samples, {self.lost} lost, "
            f"{self.doubled} doubled, {self.disordered} out of order, {self.in_memory} of memory lost by a kill{odd}"
        )


class Schedule:
    """One random course of events.

    Args:
        seed: Decides everything.
        folder: The place of the agent's files.
        server: The receiver.
        proxy: The proxy before it.
    """

    def __init__(self, seed: int, folder: Path, server: WriteServer, proxy: WriteProxy) -> None:
        self.outcome = Outcome(seed)
        self._random = random.Random(seed)  # noqa: S311 - no secret
        self._folder = folder
        self._server = server
        self._proxy = proxy
        self._notes = folder / "notes"
        self._clock = folder / "clock"
        self._filler = folder / "disk" / "filler"
        self._agent: subprocess.Popen[bytes] | None = None
        self._undo: list[tuple[float, Callable[[], None]]] = []

    def run(self, steps: int) -> Outcome:
        """Run all events, then heal everything, and compare."""
        config = self._folder / "config.toml"
        config.write_text(CONFIG.format(folder=self._folder, url=self._proxy.url))
        self._set_clock(0.0)
        self._notes.touch()
        self._start()
        for _ in range(steps):
            time.sleep(self._random.uniform(0.2, 1.6))
            self._heal(time.monotonic())
            events = self._events()
            action = self._random.choices([it for it, _ in events], [weight for _, weight in events])[0]
            self.outcome.actions[action.__name__] += 1
            action()
        self._heal(float("inf"))
        try:
            self._compare()
        finally:
            self._stop()
        return self.outcome

    def _events(self) -> list[tuple[Callable[[], None], int]]:
        return [
            (self.kill_agent, 5),
            (self.restart_agent, 1),
            (self.kill_server, 2),
            (self.freeze_server, 2),
            (self.spoil_answers, 6),
            (self.fill_disk, 2),
            (self.step_clock, 3),
            (self.rest, 2),
        ]

    def kill_agent(self) -> None:
        """Kill the agent, and start it again at once or after a pause."""
        if self._agent:
            self._agent.kill()
            self._agent.wait()
        time.sleep(self._random.choice((0.0, 0.0, 0.7)))
        self._start()

    def restart_agent(self) -> None:
        """End the agent in an orderly way, and start it again."""
        self._stop()
        self._start()

    def kill_server(self) -> None:
        """Kill Prometheus; it returns later."""
        self._server.kill()
        self._later(self._server.start)

    def freeze_server(self) -> None:
        """Freeze Prometheus; it goes on later."""
        self._server.freeze()
        self._later(self._server.thaw)

    def spoil_answers(self) -> None:
        """Let the proxy answer otherwise for a while."""
        self._proxy.fault = self._random.choice(FAULTS)
        self._later(self._well)

    def fill_disk(self) -> None:
        """Fill the file system of the state directory for a while."""
        with contextlib.suppress(OSError), self._filler.open("wb", buffering=0) as filler:
            while True:
                filler.write(bytes(4096))
        self._later(lambda: self._filler.unlink(missing_ok=True))

    def step_clock(self) -> None:
        """Step the agent's clock."""
        self._set_clock(self._random.choice(STEPS_OF_CLOCK))

    def rest(self) -> None:
        """Let everything run."""

    def _well(self) -> None:
        self._proxy.fault = ""

    def _later(self, undo: Callable[[], None]) -> None:
        """Do something within three seconds, and before the next event of its kind could disturb it."""
        wait = self._random.uniform(0.2, 3.0)
        self._undo.append((time.monotonic() + wait, undo))
        if undo in (self._server.start, self._server.thaw):
            time.sleep(wait)
            self._heal(time.monotonic())

    def _heal(self, now: float) -> None:
        due = [undo for at, undo in self._undo if at <= now]
        self._undo = [(at, undo) for at, undo in self._undo if at > now]
        for undo in due:
            undo()

    def _set_clock(self, ahead: float) -> None:
        fresh = self._clock.with_suffix(".new")
        fresh.write_text(str(ahead))
        fresh.replace(self._clock)

    def _start(self) -> None:
        names = (self._folder / "config.toml", self._notes, self._clock)
        command = [sys.executable, "-m", "bench.remote_write_observed", *map(str, names)]
        with (self._folder / "agent.log").open("ab") as log:
            self._agent = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        before = self._notes.stat().st_size
        ends = time.monotonic() + (_START if self._random.random() < 0.8 else 0)  # noqa: PLR2004 - else killed early
        while time.monotonic() < ends and self._notes.stat().st_size == before:
            time.sleep(0.05)

    def _stop(self) -> None:
        if self._agent is None:
            return
        self._agent.terminate()
        try:
            self._agent.wait(10)
        except subprocess.TimeoutExpired:
            self._agent.kill()
            self._agent.wait()
            self.outcome.odd.append("the agent did not stop")

    def _compare(self) -> None:
        """Wait until the receiver has everything, at most `DEADLINE`, and count the differences."""
        deadline = time.monotonic() + DEADLINE
        time.sleep(1.0)
        self._stop()
        wanted = {at for at, _ in self._observed()[3]}
        queue = self._folder / "disk" / "state" / DIRECTORY
        end = max((one.stop for one in _segments(queue)), default=0)
        last = time.monotonic() + LAST
        self._start()
        while True:
            found = self._found()
            expected, memory, started, times = self._observed()
            poison = {key for key in expected if dict(key[0])["__name__"] == POISONED}
            missing = {key for key in expected.keys() - found.keys() - memory - poison if key[1] in wanted}
            missing |= {key for key in expected.keys() & found.keys() if expected[key] != found[key]}
            waits = _waits(queue, end)
            if not missing or time.monotonic() > (last if waits else deadline):
                break
            time.sleep(0.3)
        its = self.outcome
        its.taken = len(expected)
        its.lost = len(missing)
        its.odd += ["records are still in the queue"] if missing and waits else []
        its.in_memory = len((expected.keys() & memory) - found.keys())
        extra = [key for key in found.keys() - expected.keys() if key[1] not in started]
        its.doubled = len(extra)
        kept = [at for at, on_disk in times if on_disk or any(key[1] == at for key in found)]
        its.disordered = sum(late <= early for early, late in pairwise(kept))
        its.odd += [f"lost {dict(labels)['__name__']} at {at}" for labels, at in sorted(missing)[:2]]
        its.odd += [f"extra {dict(labels)['__name__']} at {at}" for labels, at in sorted(extra)[:2]]

    def _observed(self) -> tuple[dict[tuple[Key, int], float], set[tuple[Key, int]], set[int], list[tuple[int, bool]]]:
        """Return the noted samples, those a kill may cost, the times only begun, and all times in order."""
        samples: dict[tuple[Key, int], float] = {}
        memory: set[tuple[Key, int]] = set()
        started: set[int] = set()
        times: list[tuple[int, bool]] = []
        self.outcome.snapshots = 0
        for line in self._notes.read_bytes().splitlines():
            note = _note(line)
            if note.taking:
                started.add(note.taking)
            if not note.taken:
                continue
            at = note.taken
            started.discard(at)
            times.append((at, note.on_disk))
            self.outcome.snapshots += 1
            for labels, value in note.samples:
                bits = bytes.fromhex(value)
                if bits != STALE:
                    key = (_labels(labels), at)
                    samples[key] = float(memoryview(bits).cast("d")[0])
                    if not note.on_disk:
                        memory.add(key)
        return samples, memory, started, times

    def _found(self) -> dict[tuple[Key, int], float]:
        found = self._server.samples(
            '{job="wr-agent",__name__!="wr_agent_remote_write_probe"}', "4h", time.time() + 5400
        )
        return {(labels, at): float(value) for labels, samples in found.items() for at, value in samples}


def _segments(queue: Path) -> Iterator[Segment]:
    """Yield the files of the queue of an agent, which may run."""
    for path in sorted(queue.glob(f"*{SUFFIX}")):
        with contextlib.suppress(OSError, ValueError):
            yield scan(path)


def _waits(queue: Path, end: int) -> bool:
    """Tell if the receiver has not yet acknowledged each record before a number."""
    progress = Progress(queue)
    progress.look()
    return any(any(progress.pending(one.first, min(one.stop, end))) for one in _segments(queue) if one.first < end)


_KNOWN: dict[str, Key] = {}


def _labels(encoded: str) -> Key:
    if encoded not in _KNOWN:
        _KNOWN[encoded] = tuple(sorted(decode_labels(bytes.fromhex(encoded)).items()))
    return _KNOWN[encoded]


class _Note(msgspec.Struct):
    """A line of the observer: the time of a snapshot that begins, or of one that was taken, with its samples."""

    taking: int = 0
    taken: int = 0
    on_disk: bool = True
    samples: list[tuple[str, str]] = []


def _note(line: bytes) -> _Note:
    try:
        return msgspec.json.decode(line, type=_Note)
    except msgspec.DecodeError:  # torn by a kill
        return _Note()


@contextlib.contextmanager
def _small_disk(path: Path) -> Iterator[None]:
    """Mount a small file system in memory."""
    path.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(path)]
    subprocess.run(command, check=True, capture_output=True, timeout=30)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True, capture_output=True, timeout=30)


def one(seed: int, steps: int) -> Outcome:
    """Run one schedule."""
    with tempfile.TemporaryDirectory(prefix="wr-push-") as name:
        folder = Path(name)
        with (
            _small_disk(folder / "disk"),
            write_receiver(folder) as server,
            write_proxy(server.write_url, seed) as proxy,
        ):
            return Schedule(seed, folder, server, proxy).run(steps)


def main() -> int:
    """Run all schedules, and return 0 if each is good."""
    schedules = int(sys.argv[1]) if len(sys.argv) > 1 else SCHEDULES
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 1  # noqa: PLR2004 - the second argument
    steps = int(sys.argv[3]) if len(sys.argv) > 3 else STEPS  # noqa: PLR2004 - the third argument
    print(f"{schedules} schedules from seed {first}, {steps} steps each; {machine()}", flush=True)
    outcomes: list[Outcome] = []
    with ThreadPoolExecutor(int(os.environ.get("AT_ONCE", AT_ONCE))) as pool:
        for done in as_completed([pool.submit(one, first + number, steps) for number in range(schedules)]):
            outcomes.append(done.result())
            print(outcomes[-1], flush=True)
    actions = sum((it.actions for it in outcomes), Counter[str]())
    print(", ".join(f"{name} {count}" for name, count in actions.most_common()))
    print(
        f"{len(outcomes)} schedules, {sum(it.snapshots for it in outcomes)} snapshots, "
        f"{sum(it.taken for it in outcomes)} samples: {sum(it.lost for it in outcomes)} lost, "
        f"{sum(it.doubled for it in outcomes)} doubled, {sum(it.disordered for it in outcomes)} out of order; "
        f"{sum(it.in_memory for it in outcomes)} that the full disk did not take were lost by kills"
    )
    return 0 if all(it.good for it in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
