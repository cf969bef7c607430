"""The truth of the dropout count: faults that are injected into a real JACK server, against the counts of the agent.

Run: python -m bench.audio_truth [--quick]

Two servers run at the same time, and an agent watches each. One server gets one fault at a time and settles before the
next. The other one gets none. The first round is on a quiet machine. In the second one every core is busy, and the
agents answer scrapes all the time.

The truth is the log of the injected faults, and the reports of the server to an independent JACK client in a process of
its own. A fault's dropouts after the first are `twice`. Xruns that the server reported apart from the fault are the
machine's own, `other`. A busy agent may count one of those only during the next fault. So the last row of a round
compares the sums: all that was counted, with all that was injected or reported, merged by the definition.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from bench.audio_faults import FAULTS, SETTLE_SECONDS, Span, Stage
from bench.table import machine, table
from collectors.audio.dropouts import HOLD_NS, MERGE_NS, STORM_NS
from tests.support.agent import agent
from tests.support.jackd import Jackd

FULL = dict.fromkeys(FAULTS, 16) | {"killed server": 10, "server frozen for seconds": 10}
QUICK = dict.fromkeys(FAULTS, 4)
_HAMMER = """
import sys, threading, urllib.request
def hammer():
    while True:
        urllib.request.urlopen(sys.argv[1]).read()
for _ in range(4):
    threading.Thread(target=hammer).start()
"""


def main() -> None:
    """Inject all faults and print the table."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--quick", action="store_true", help="56 faults instead of 200")
    counts = QUICK if arguments.parse_args().quick else FULL
    began = time.monotonic()
    rows = _play(counts)
    print(f"\n{time.monotonic() - began:.0f} s, jackd dummy at 48000 Hz and 256 frames; {machine()}\n")
    print(table(["", "injected", "once", "missed", "twice", "other"], rows))


def _play(counts: dict[str, int]) -> list[list[str]]:
    with _stage() as faulty, _stage() as left_alone:
        quiet = _round("quiet", counts, faulty, left_alone)
        with _load([faulty.watcher.url, left_alone.watcher.url]):
            return quiet + _round("loaded", counts, faulty, left_alone)


@contextlib.contextmanager
def _stage() -> Iterator[Stage]:
    server = Jackd()
    try:
        server.start()
        config = f'audio.observers = "auto"\naudio.jack_server = "{server.name}"'
        with tempfile.TemporaryDirectory() as folder, agent(Path(folder), config) as watcher:
            stage = Stage(server, watcher)
            yield stage
            stage.leave()
    finally:
        server.close()


def _round(load: str, counts: dict[str, int], faulty: Stage, left_alone: Stage) -> list[list[str]]:
    """Return the rows of all faults, light to severe, in random order, and of the stage without faults."""
    began, before, before_alone = time.monotonic_ns(), faulty.dropouts(), left_alone.dropouts()
    faults = [(kind, number / (count - 1)) for kind, count in counts.items() for number in range(count)]
    random.shuffle(faults)
    verdicts = {kind: Counter[str]() for kind in counts}
    spans: list[Span] = []
    for kind, severity in faults:
        span, verdict = _inject(load, kind, severity, faulty)
        spans.append(span)
        verdicts[kind].update(verdict)
    seconds = (time.monotonic_ns() - began) / 1e9
    return [
        *([f"{load}, {kind}", *_cells(verdict)] for kind, verdict in verdicts.items()),
        _sums(f"{load}, all of it", faulty.dropouts() - before, [*spans, *faulty.reported(began)]),
        _sums(
            f"{load}, left alone for {seconds:.0f} s", left_alone.dropouts() - before_alone, left_alone.reported(began)
        ),
    ]


def _sums(title: str, counted: int, spans: Iterable[Span]) -> list[str]:
    true = _clusters(spans)
    differences = max(true - counted, 0), max(counted - true, 0)
    return [f"{title} ({true} by injection or JACK)", "", str(min(counted, true)), *map(str, differences), ""]


def _cells(verdict: Counter[str]) -> list[str]:
    return [str(verdict[column]) for column in ("injected", "once", "missed", "twice", "other")]


def _inject(load: str, kind: str, severity: float, stage: Stage) -> tuple[Span, Counter[str]]:
    before, seen, began = stage.dropouts(), stage.observations(), time.monotonic_ns()
    span = began, FAULTS[kind](stage, severity)
    time.sleep(SETTLE_SECONDS)
    verdict = _judge(stage.dropouts() - before, span, stage.reported(began - MERGE_NS - HOLD_NS))
    if not verdict["once"] or verdict["twice"] or verdict["other"]:
        reported = [round((xrun - began) / 1e6) for xrun, _ in stage.reported(began)]
        print(
            f"{load}, {kind}, {(span[1] - began) / 1e6:.0f} ms: {_short(verdict)}; JACK said at ms {reported},", end=" "
        )
        print(f"observed {_short(stage.observations() - seen)}", flush=True)
    if kind == "killed server":
        stage.revive()
    return span, verdict


def _short(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def _judge(counted: int, fault: Span, reported: Iterable[Span]) -> Counter[str]:
    other = min(_clusters([fault, *reported]) - 1, max(counted - 1, 0))
    twice = max(counted - 1 - other, 0)
    return Counter(injected=1, once=int(counted - other == 1), missed=int(not counted), twice=twice, other=other)


def _clusters(spans: Iterable[Span]) -> int:
    """Return the number of dropouts by their definition.

    What is further apart than the merge window is another one, and so is each further second of a storm, the duration
    of the faults themselves not included.
    """
    merged: list[list[Span]] = []
    for span in sorted(spans):
        if not merged or span[0] > max(end for _, end in merged[-1]) + MERGE_NS:
            merged.append([])
        merged[-1].append(span)
    return sum(1 + max(_storm_ns(group), 0) // STORM_NS for group in merged)


def _storm_ns(group: list[Span]) -> int:
    """Return the time from the first one's end to the last one's start."""
    faults = sum(end - start for start, end in group)
    return max(start for start, _ in group) - min(end for _, end in group) - faults


@contextlib.contextmanager
def _load(urls: Iterable[str]) -> Iterator[None]:
    """Keep every core busy, and scrape the agents all the time."""
    burners = [[sys.executable, "-c", "while True: pass"]] * (os.cpu_count() or 1)
    hammers = [[sys.executable, "-c", _HAMMER, f"{url}/metrics"] for url in urls]
    processes = [subprocess.Popen(command, stderr=subprocess.DEVNULL) for command in (*burners, *hammers)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


if __name__ == "__main__":
    main()
