"""The faults that `audio_truth` injects, and their stage: one server, its clients and the agent under test."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from collectors.audio.dropouts import HOLD_NS, MERGE_NS
from tests.support.agent import AgentProcess
from tests.support.audio import probe_pids
from tests.support.jack_client import JackClient, JackListener
from tests.support.jackd import Jackd
from tests.support.waiting import eventually

SETTLE_SECONDS = (MERGE_NS + HOLD_NS) / 1e9 + 0.5
Span = tuple[int, int]
"""Beginning and end in nanoseconds of the monotonic clock."""


class Stage:
    """One server, a client that misbehaves on it, one that listens to it, and the agent under test.

    Args:
        server: Runs already.
        watcher: Runs already.
    """

    def __init__(self, server: Jackd, watcher: AgentProcess) -> None:
        self.server = server
        self.watcher = watcher
        self._heard: list[int] = []
        self._unjudged = 0
        self._join()

    def _join(self) -> None:
        """Connect, and wait until the agent measures and has counted all effects of that."""
        self._listener = JackListener(self.server.name)
        self.client = JackClient(self.server.name)
        name = "audio_device_buffer_interval_seconds_count"
        before = self._total(name)
        eventually(lambda: self._total(name) > before, "buffers")
        eventually(self._is_calm, "no xruns for a while")
        self._judged_ns = time.monotonic_ns()

    def _is_calm(self) -> bool:
        time.sleep(SETTLE_SECONDS)
        return all(xrun < time.monotonic_ns() - SETTLE_SECONDS * 1e9 for xrun in self._listener.xruns())

    def leave(self) -> None:
        """Close the clients, as the server is gone or will be."""
        self._heard += self._judged_xruns()
        self._listener.close()
        self.client.close()

    def revive(self) -> None:
        """Start the server again, and wait until it is measured.

        Meanwhile neither the agent nor the listener hears all that the other does, so that nothing of it is judged.
        """
        counted = self._counted()
        self.leave()
        self.server.start()
        self._join()
        self._unjudged += self._counted() - counted

    def reported(self, since_ns: int) -> list[Span]:
        """Return the times at which the server reported an xrun after that time."""
        return [(xrun, xrun) for xrun in (*self._heard, *self._judged_xruns()) if xrun > since_ns]

    def _judged_xruns(self) -> list[int]:
        return [xrun for xrun in self._listener.xruns() if xrun > self._judged_ns]

    def dropouts(self) -> int:
        """Return the number of dropouts that the agent has counted."""
        return self._counted() - self._unjudged

    def _counted(self) -> int:
        return self._total("audio_engine_xruns_total")

    def observations(self) -> Counter[str]:
        """Return the number of observations of each observer."""
        found = self._samples("audio_device_xrun_observations_total")
        return Counter({f"{s.labels['observer']} {s.labels['kind']}": int(s.value) for s in found})

    def probe(self) -> int:
        """Return the process of the agent's probe."""
        try:
            return eventually(lambda: probe_pids(self.watcher.process.pid), "a probe")[0]
        except AssertionError as error:
            found = [line for line in self.watcher.get("/metrics")[2].splitlines() if "finding{" in line]
            error.add_note("\n".join([*found, self.watcher.log()]))
            raise

    def _total(self, name: str) -> int:
        return sum(int(sample.value) for sample in self._samples(name))

    def _samples(self, name: str) -> list[Sample]:
        text = self.watcher.get("/metrics?collect[]=audio")[2]
        families = text_string_to_metric_families(text)
        return [sample for family in families for sample in family.samples if sample.name == name]


def late_client(stage: Stage, severity: float) -> int:
    """Let another client's callback sleep for several periods."""
    stage.client.tell(f"late {0.02 + 0.18 * severity}")
    return time.monotonic_ns()


def hogging_client(stage: Stage, severity: float) -> int:
    """Let another client need one and a half of its time, for several periods."""
    stage.client.tell(f"hog {round(3 + 9 * severity)}")
    return time.monotonic_ns()


def frozen_probe(stage: Stage, severity: float) -> int:
    """Stop the client of the agent's own stream."""
    pid = stage.probe()
    os.kill(pid, signal.SIGSTOP)
    time.sleep(0.03 + 0.27 * severity)
    os.kill(pid, signal.SIGCONT)
    return time.monotonic_ns()


def frozen_server(stage: Stage, severity: float) -> int:
    """Stop the server for a while."""
    stage.server.freeze()
    time.sleep(0.05 + 0.25 * severity)
    stage.server.thaw()
    return time.monotonic_ns()


def long_frozen_server(stage: Stage, severity: float) -> int:
    """Stop the server until it counts as frozen."""
    stage.server.freeze()
    time.sleep(1.2 + 1.8 * severity)
    stage.server.thaw()
    return time.monotonic_ns()


def frozen_agent(stage: Stage, severity: float) -> int:
    """Stop the agent, and make another client late before it continues."""
    stage.watcher.process.send_signal(signal.SIGSTOP)
    over_ns = late_client(stage, severity)
    time.sleep(0.3 + severity)
    stage.watcher.process.send_signal(signal.SIGCONT)
    return over_ns


def killed_server(stage: Stage, _severity: float) -> int:
    """Kill the server."""
    stage.server.kill()
    return time.monotonic_ns()


FAULTS: dict[str, Callable[[Stage, float], int]] = {
    "late client": late_client,
    "hogging client": hogging_client,
    "frozen probe": frozen_probe,
    "frozen server": frozen_server,
    "server frozen for seconds": long_frozen_server,
    "frozen agent": frozen_agent,
    "killed server": killed_server,
}
"""The faults. Each takes a severity from 0 to 1 and returns its end in nanoseconds of the monotonic clock."""
