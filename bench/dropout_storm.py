"""A storm of dropouts: no event lost, one analysis a second at most, bounded memory, no further dropout.

Run: python -m bench.dropout_storm [--seconds 60] [--rate 10]

A client of a real jackd is late ten times a second. An independent listener counts the server's xruns before, during
and after the storm. The agent counts a continuing dropout once a second; each count must become one event.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import psutil

from bench.processes import cpu_seconds, uss_mib
from bench.table import machine, table
from tests.support.agent import AgentProcess, agent
from tests.support.jack_client import JackClient, JackListener
from tests.support.jackd import Jackd
from tests.support.waiting import eventually

_QUIET = 15.0
_LATE = 0.02
_STORM = "had to wait too long"


def main() -> None:
    """Run the storm and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=10.0)
    given = parser.parse_args()
    print(f"{given.rate:g} late callbacks a second for {given.seconds:g} s; {machine()}\n")
    print(table(("", "found"), list(measure(given.seconds, given.rate).items())))


def measure(seconds: float, rate: float) -> dict[str, str]:
    """Return the rows of the table."""
    with ExitStack() as running, tempfile.TemporaryDirectory() as folder:
        server = Jackd()
        running.callback(server.close)
        server.start()
        listener, client = JackListener(server.name), JackClient(server.name)
        running.callback(listener.close)
        running.callback(client.close)
        client.tell("hear system:capture_1")
        config = f'audio.observers = "auto"\naudio.jack_server = "{server.name}"\nhost.enabled = false\n'
        watched = running.enter_context(agent(Path(folder), config))
        eventually(lambda: "audio_device_buffer_interval" in watched.get("/metrics")[2], "the probe measures")
        time.sleep(_QUIET)
        return _stormed(watched, client, listener, seconds, rate)


def _stormed(
    watched: AgentProcess, client: JackClient, listener: JackListener, seconds: float, rate: float
) -> dict[str, str]:
    before = len(listener.xruns())
    peak = _Peak(watched.process.pid)
    used = cpu_seconds(watched.process.pid)
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        client.tell(f"late {_LATE}")
        time.sleep(1 / rate)
    during = len(listener.xruns()) - before
    counted = eventually(lambda: _settled(watched), "all dropouts are final")
    lasted = time.monotonic() - began
    spent = cpu_seconds(watched.process.pid) - used
    peak.end()
    time.sleep(_QUIET)
    after = len(listener.xruns()) - before - during
    events = json.loads(watched.get("/-/dropouts")[2])["events"]
    causes = Counter(it["cause"] for it in events)
    late = sum("did not end within" in it["text"] for it in events)
    return {
        "xruns in 15 s before, during, in 15 s after": f"{before}, {during}, {after}",
        "dropouts counted": str(counted),
        "events": str(len(events)),
        "ids that occur twice": str(len(events) - len({it["id"] for it in events})),
        "events by cause": ", ".join(f"{cause} {count}" for cause, count in causes.most_common()),
        "events whose analysis took too long": str(late),
        "events that had to wait too long": str(sum(_STORM in it["text"] for it in events)),
        "analyses at once, at most": str(peak.children),
        "agent's CPU during the storm": f"{100 * spent / lasted:.1f} % of a core",
        "agent's memory at rest, at most (USS)": f"{peak.first:.1f} MiB, {peak.most:.1f} MiB",
    }


def _settled(watched: AgentProcess) -> int:
    """Return the count of dropouts once each has a final event, and no further one is settling."""
    time.sleep(4)
    page = watched.get("/metrics?collect[]=audio")[2]
    total = sum(map(float, re.findall(r"^audio_engine_xruns_total\{.*\} (\S+)$", page, re.MULTILINE)))
    final = sum(map(float, re.findall(r"^audio_dropouts_by_cause_total\{.*\} (\S+)$", page, re.MULTILINE)))
    return int(total) if total == final else 0


class _Peak:
    """The highest memory of the agent, and the highest number of its analyses at once."""

    def __init__(self, pid: int) -> None:
        self._agent = psutil.Process(pid)
        self.first = self.most = uss_mib([self._agent])
        self.children = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _watch(self) -> None:
        while not self._ended.wait(0.2):
            self.most = max(self.most, uss_mib([self._agent]))
            self.children = max(self.children, sum(map(_is_analysis, self._agent.children())))

    def end(self) -> None:
        self._ended.set()
        self._thread.join()


def _is_analysis(child: psutil.Process) -> bool:
    try:
        return "collectors.audio.causes.child" in child.cmdline()
    except psutil.Error:
        return False


if __name__ == "__main__":
    main()
