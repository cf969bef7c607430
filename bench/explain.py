"""The causes of dropouts: faults of known causes, injected into a real JACK server, against the agent's explanations.

Run: python -m bench.explain [--each N] [--seed N] [--keep FOLDER] [--again FOLDER]

Every fault is injected N times in random order, first on a quiet machine and then with every processor busy. The truth
is the injector's log. An independent JACK client and its late callbacks show whether there was a dropout at all. The
agent explains it with the best evidence that it has, and with the kernel recorder if this runs as root. The kept
evidence is analysed again without the kernel's trace (level 1) and without the graph's cycles (level 0). So each level
has the same faults.

A fault during which the hypervisor took at least 30 ms is contaminated and counts apart.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from bench.explain_faults import FAULTS, Act, Fault, Truth
from bench.explain_scores import Record, report
from bench.explain_stage import Programs, Stage
from bench.table import machine
from collectors.audio.causes.event import Event
from collectors.audio.causes.evidence import Evidence, decode
from tests.support.agent import AgentProcess

_EVENT_SECONDS = 8.0
_SETTLE_SECONDS = 2.0
"""Longer than two dropouts may be apart to be one."""
_NEAR_NS = 300_000_000
_AFTER_NS = 700_000_000


def main() -> None:
    """Inject all faults and print the tables."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--each", type=int, default=20, help="injections of each fault (20)")
    arguments.add_argument("--seed", type=int, default=1, help="seed of the order and the sizes (1)")
    arguments.add_argument("--only", default="", help="part of the name of the faults to inject")
    arguments.add_argument("--quiet", action="store_true", help="without the loaded round")
    arguments.add_argument("--keep", type=Path, help="folder for the evidence, to score it again")
    arguments.add_argument("--again", type=Path, help="folder of kept evidence to score, without any injection")
    options = arguments.parse_args()
    if options.again:
        print(report([_kept(file) for file in sorted(options.again.glob("*.json.gz"))]))
        return
    dice = random.Random(options.seed)  # noqa: S311 - reproducible faults, not secrets
    print(f"seed {options.seed}; jackd dummy at 48000 Hz and 256 frames, six clients; {machine()}", flush=True)
    names = [name for name in FAULTS if options.only in name]
    records = []
    for record in _rounds(names, options.each, dice, [False] if options.quiet else [False, True]):
        records.append(record)
        if options.keep:
            _keep(options.keep / f"{options.seed}-{len(records):04}.json.gz", record)
    print(report(records))


def _keep(file: Path, record: Record) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(gzip.compress(msgspec.json.encode(record)))


def _kept(file: Path) -> Record:
    return msgspec.json.decode(gzip.decompress(file.read_bytes()), type=Record)


def _rounds(names: list[str], each: int, dice: random.Random, loads: list[bool]) -> Iterator[Record]:
    with tempfile.TemporaryDirectory() as built:
        programs = Programs(Path(built))
        for realtime in (True, False):
            chosen = [name for name in names if FAULTS[name].realtime is realtime] * each
            for loaded in loads:
                dice.shuffle(chosen)
                if chosen:
                    yield from _round(programs, chosen, dice, realtime=realtime, loaded=loaded)


def _round(
    programs: Programs, names: list[str], dice: random.Random, *, realtime: bool, loaded: bool
) -> Iterator[Record]:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:  # a disk, for the faults that need one
        stage = Stage(Path(folder), programs, realtime=realtime)
        try:
            with stage.watched() as watcher, _busy(loaded):
                time.sleep(5)
                for name in names:
                    yield _injected(name, FAULTS[name], Act(stage, watcher, dice), loaded=loaded)
        finally:
            stage.close()


@contextlib.contextmanager
def _busy(loaded: bool) -> Iterator[None]:  # noqa: FBT001 - a condition
    """Keep every processor busy."""
    count = (os.cpu_count() or 1) * loaded
    processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _injected(name: str, fault: Fault, act: Act, *, loaded: bool) -> Record:
    known = {event.id for event in _events(act.watcher)}
    stolen = _stolen_ms()
    truth = fault.inject(act)
    event, seconds = _await_event(act.watcher, known, truth)
    record = Record(
        fault=name,
        loaded=loaded,
        cause=truth.cause,
        pids=truth.pids,
        ms=truth.ms,
        start_ns=truth.start_ns,
        end_ns=truth.end_ns,
        stolen_ms=_stolen_ms() - stolen,
        heard=len(act.stage.heard(truth.start_ns - _NEAR_NS // 3, truth.end_ns + _AFTER_NS)),
        event=event,
        seconds=seconds,
        evidence=_evidence(act.watcher, event) if event else None,
    )
    print(_line(record), flush=True)
    fault.repair(act)
    return record


def _line(record: Record) -> str:
    event = record.event
    if event is None:
        return f"{record.fault}: no event; the observer heard {record.heard}"
    mark = "ok " if event.cause is record.cause else "BAD"
    known = f"{event.cause} {event.confidence} at level {event.level} after {record.seconds:.1f} s"
    return f"{mark} {record.fault}: {known}: {event.text}"


def _events(watcher: AgentProcess) -> list[Event]:
    """Return the agent's events, oldest first."""
    found = []
    for suffix in (".1", ""):
        with contextlib.suppress(OSError):
            for line in (watcher.state_dir / f"dropouts.jsonl{suffix}").read_bytes().splitlines():
                with contextlib.suppress(msgspec.MsgspecError):
                    found.append(msgspec.json.decode(line, type=Event))
    return found


def _await_event(watcher: AgentProcess, known: set[str], truth: Truth) -> tuple[Event | None, float]:
    """Return the first new event near the fault, and the seconds from the fault's end to it."""
    offset_ns = time.time_ns() - time.monotonic_ns()
    first_ns, last_ns = truth.start_ns + offset_ns - _NEAR_NS, truth.end_ns + offset_ns + _AFTER_NS
    deadline = time.monotonic() + _EVENT_SECONDS
    while time.monotonic() < deadline:
        new = [event for event in _events(watcher) if event.id not in known and first_ns <= _at_ns(event) <= last_ns]
        if new:
            seconds = (time.monotonic_ns() - truth.end_ns) / 1e9
            time.sleep(_SETTLE_SECONDS)
            return min(new, key=_at_ns), seconds
        time.sleep(0.1)
    return None, _EVENT_SECONDS


def _at_ns(event: Event) -> int:
    """Return the event's start in Unix nanoseconds."""
    whole, _, part = event.at.removesuffix("Z").partition(".")
    seconds = datetime.fromisoformat(whole).replace(tzinfo=UTC).timestamp()
    return int(seconds) * 10**9 + int(part.ljust(9, "0")[:9])


def _evidence(watcher: AgentProcess, event: Event) -> Evidence | None:
    file = watcher.state_dir / "dropout-evidence" / f"{event.id}.json.gz"
    with contextlib.suppress(OSError, msgspec.MsgspecError):
        return decode(gzip.decompress(file.read_bytes()))
    return None


def _stolen_ms() -> float:
    """Return the time that the hypervisor took from all processors."""
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()
    return int(fields[8]) * 1000 / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
