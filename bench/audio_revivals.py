"""The leftovers of many deaths of the audio server: processes, descriptors, clients, memory.

Run: python -m bench.audio_revivals [--times 200]

A real agent watches a real jackd, which is killed, and started again once the agent has seen it die; the next death
comes when buffers are measured again. 200 of them take about eleven minutes.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from bench.processes import tree, uss_mib
from bench.table import machine, table
from tests.support.agent import AgentProcess, agent
from tests.support.jackd import Jackd
from tests.support.waiting import eventually

WARM_UP = 5
SETTLE_SECONDS = 3.0
PROGRESS = 10
"""Deaths from one line of progress to the next."""


def main() -> None:
    """Kill and revive, and print the table."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--times", type=int, default=200, help="how many deaths; %(default)s if not given")
    times = arguments.parse_args().times
    server = Jackd()
    server.start()
    config = f'audio.observers = "auto"\naudio.jack_server = "{server.name}"'
    began = time.monotonic()
    try:
        with tempfile.TemporaryDirectory() as folder, agent(Path(folder), config) as running:
            _await_buffers(running)
            _revive(running, server, WARM_UP)
            before = _left(running, server)
            _revive(running, server, times)
            after = _left(running, server)
    finally:
        server.close()
    print(f"{times} deaths and revivals in {time.monotonic() - began:.0f} s; {machine()}\n")
    print(table(["", "before", "after"], [[name, before[name], after[name]] for name in before]))


def _revive(running: AgentProcess, server: Jackd, times: int) -> None:
    for number in range(times):
        if number and number % PROGRESS == 0:
            print(f"{number} of {times}", flush=True)
        server.kill()
        eventually(lambda: '\naudio_device_up{device="system"} 0' in _metrics(running), "the device to be down")
        server.start()
        _await_buffers(running)


def _await_buffers(running: AgentProcess) -> None:
    eventually(lambda: "\naudio_channel_rms_ratio" in _metrics(running), "the probe measures")


def _metrics(running: AgentProcess) -> str:
    return running.get("/metrics?collect[]=audio")[2]


def _left(running: AgentProcess, server: Jackd) -> dict[str, str]:
    time.sleep(SETTLE_SECONDS)
    daemon, *children = tree(running.process.pid)
    ports = server.ports().splitlines()
    return {
        "descriptors of the agent": str(daemon.num_fds()),
        "threads of the agent": str(daemon.num_threads()),
        "processes of the agent's": str(len(children)),
        "its USS, MiB": f"{uss_mib([daemon]):.1f}",
        "ports of its clients": str(sum(port.startswith("wr-agent") for port in ports)),
        "descriptors of the probe": str(sum(child.num_fds() for child in children)),
    }


if __name__ == "__main__":
    main()
