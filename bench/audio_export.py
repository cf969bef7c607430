"""The cost of the agent for an export: speed and dropouts of a freewheeling JACK server with and without the agent.

Run: python -m bench.audio_export [--seconds 60] [--work 300]

Exports of ten seconds with and without a running agent alternate, so that a busy machine slows both alike. Each kind
exports for the given time in total. The exporter computes for some microseconds a cycle. The table has the dropouts
that the agent counts and the restarts of its probe. `best` is the 90th percentile of the speeds of each second, which
other programs of the machine disturb least. The last line compares the result with the aim.
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
    """One export: cycles of each second, seconds until freewheeling was off, and what the agent counted."""

    speeds: list[float]
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
    heads = ["", "cycles/s", "best", "end of freewheeling, s", "dropouts", "restarts of the probe"]
    print(table(heads, [_row(name, exports[watched]) for name, watched in (("without", False), ("with", True))]))
    lost = [1 - speed(exports[True]) / speed(exports[False]) for speed in (_mean, _best)]
    dropouts = sum(export.dropouts for export in exports[True])
    print(
        f"\nThe agent costs {lost[0]:.1%} of the mean speed, {lost[1]:.1%} of the best (aim: {_MOST_LOSS:.0%}),",
        end=" ",
    )
    print(f"and {dropouts:g} dropouts (aim: 0).")


def _mean(exports: list[Export]) -> float:
    return statistics.mean(speed for export in exports for speed in export.speeds)


def _best(exports: list[Export]) -> float:
    return statistics.quantiles([speed for export in exports for speed in export.speeds], n=10)[-1]


def _export(server: Jackd, work_seconds: float, *, watched: bool) -> Export:
    with ExitStack() as running:
        watcher = _watcher(running, server) if watched else None
        exporter = JackClient(server.name)
        running.callback(exporter.close)
        exporter.tell(f"work {work_seconds}")
        time.sleep(_SETTLE_SECONDS)
        before = _counted(watcher)
        exporter.tell("freewheel 1")
        speeds = [_speed(exporter) for _ in range(round(_EXPORT_SECONDS))]
        ending = time.monotonic()
        exporter.tell("freewheel 0")
        ended = time.monotonic()
        time.sleep(_SETTLE_SECONDS if watched else 0)
        dropouts, restarts = (after - count for after, count in zip(_counted(watcher), before, strict=True))
        return Export(speeds, ended - ending, dropouts, restarts)


def _speed(exporter: JackClient) -> float:
    """Return the cycles a second in the next second."""
    cycles, began = exporter.cycles(), time.monotonic()
    time.sleep(1)
    return (exporter.cycles() - cycles) / (time.monotonic() - began)


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
        f"{_mean(exports):.0f}",
        f"{_best(exports):.0f}",
        f"{max(export.end_seconds for export in exports):.2f}",
        f"{sum(export.dropouts for export in exports):g}",
        f"{sum(export.restarts for export in exports):g}",
    ]


if __name__ == "__main__":
    main()
