"""The cost of the agent for an export: speed and dropouts of a freewheeling JACK server with and without the agent.

Run: python -m bench.audio_export [--seconds 60] [--work 300]

Exports of ten seconds with and without a running agent alternate, so that a busy machine slows both alike. Each kind
exports for the given time in total. The exporter computes for some microseconds a cycle. The table has the dropouts
that the agent counts and the restarts of its probe. The last line compares the result with the aim.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from bench.table import machine, table
from tests.support.agent import AgentProcess, agent
from tests.support.jack_client import JackClient
from tests.support.jackd import Jackd
from tests.support.waiting import eventually

_EXPORT_SECONDS = 10.0
_SETTLE_SECONDS = 4.0
_MOST_LOSS = 0.05
_DROPOUTS = "audio_engine_xruns_total"
_RESTARTS = "wr_agent_audio_probe_restarts_total"


class Export(NamedTuple):
    """One export: cycles a second, seconds until freewheeling was off, and what the agent counted."""

    speed: float
    end_seconds: float
    dropouts: float = 0
    restarts: float = 0


def main() -> None:
    """Export with and without the agent, and print the table."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--seconds", type=float, default=60, help="of each kind; %(default)s if not given")
    arguments.add_argument("--work", type=float, default=300, help="microseconds a cycle; %(default)s if not given")
    given = arguments.parse_args()
    exports: dict[bool, list[Export]] = {False: [], True: []}
    server = Jackd()
    server.start()
    try:
        for number in range(2 * max(round(given.seconds / _EXPORT_SECONDS), 1)):
            watched = (number + 1) // 2 % 2 == 1  # without, with, with, without: a drift of the machine cancels out
            exports[watched].append(_export(server, given.work / 1e6, watched=watched))
    finally:
        server.close()
    print(f"{given.seconds:g} s of export of each kind, {given.work:g} us of work a cycle; {machine()}\n")
    heads = ["", "cycles/s", "end of freewheeling, s", "dropouts", "restarts of the probe"]
    print(table(heads, [_row(name, exports[watched]) for name, watched in (("without", False), ("with", True))]))
    speeds = [statistics.mean(export.speed for export in exports[watched]) for watched in (False, True)]
    lost = 1 - speeds[1] / speeds[0]
    dropouts = sum(export.dropouts for export in exports[True])
    print(
        f"\nThe agent costs {lost:.1%} of the speed (aim: at most {_MOST_LOSS:.0%}) and {dropouts:g} dropouts (aim: 0)."
    )


def _export(server: Jackd, work_seconds: float, *, watched: bool) -> Export:
    with ExitStack() as running:
        watcher = _watcher(running, server) if watched else None
        exporter = JackClient(server.name)
        running.callback(exporter.close)
        exporter.tell(f"work {work_seconds}")
        time.sleep(_SETTLE_SECONDS)
        before = _counted(watcher)
        exporter.tell("freewheel 1")
        cycles, began = exporter.cycles(), time.monotonic()
        time.sleep(_EXPORT_SECONDS)
        speed = (exporter.cycles() - cycles) / (time.monotonic() - began)
        ending = time.monotonic()
        exporter.tell("freewheel 0")
        ended = time.monotonic()
        time.sleep(_SETTLE_SECONDS if watched else 0)
        dropouts, restarts = (after - count for after, count in zip(_counted(watcher), before, strict=True))
        return Export(speed, ended - ending, dropouts, restarts)


def _watcher(running: ExitStack, server: Jackd) -> AgentProcess:
    folder = Path(running.enter_context(tempfile.TemporaryDirectory()))
    config = f'audio.observers = "auto"\naudio.jack_server = "{server.name}"'
    watcher = running.enter_context(agent(folder, config))
    eventually(lambda: "\naudio_channel_rms_ratio" in _metrics(watcher), "the probe measures")
    return watcher


def _metrics(watcher: AgentProcess) -> str:
    return watcher.get("/metrics?collect[]=audio")[2]


def _counted(watcher: AgentProcess | None) -> tuple[float, float]:
    if watcher is None:
        return 0.0, 0.0
    lines = _metrics(watcher).splitlines()
    return _total(lines, _DROPOUTS), _total(lines, _RESTARTS)


def _total(lines: list[str], name: str) -> float:
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


def _row(name: str, exports: list[Export]) -> list[str]:
    return [
        name,
        f"{statistics.mean(export.speed for export in exports):.0f}",
        f"{max(export.end_seconds for export in exports):.2f}",
        f"{sum(export.dropouts for export in exports):g}",
        f"{sum(export.restarts for export in exports):g}",
    ]


if __name__ == "__main__":
    main()
