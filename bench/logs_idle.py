"""The cost of watching quiet log files: CPU of the whole daemon with and without them.

Run: python -m bench.logs_idle [SECONDS]

Both daemons run at once, so that other work of the machine affects them alike. Nothing is written. Audio is off, the
host is measured, and there are no scrapes. The sink answers the probe that the agent sends when it has nothing to push.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import psutil

from bench.processes import cpu_seconds, uss_mib
from bench.table import machine, table
from tests.support.agent import AgentProcess, agent
from tests.support.loki import loki
from tests.support.waiting import eventually

FILES = 20
SECONDS = 120.0
SETTLE = 10.0

CONFIG = """
loki.url = "{url}"
[[logs.sources]]
name = "quiet"
paths = ["{folder}/*.log"]
"""


def main() -> None:
    """Measure both and print the table."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    with tempfile.TemporaryDirectory() as bare, tempfile.TemporaryDirectory() as folder, loki() as sink:
        logs = Path(folder) / "logs"
        logs.mkdir()
        for number in range(FILES):
            (logs / f"{number}.log").write_text("a line\n")
        config = CONFIG.format(url=sink.url, folder=logs)
        with agent(Path(bare)) as idle, agent(Path(folder), config) as watching:
            eventually(lambda: len(sink.lines()) == FILES, "every file is read")
            time.sleep(SETTLE)
            rows = _rows({"idle": idle, f"watching {FILES} quiet files": watching}, seconds)
    print(f"{seconds:g} s; {machine()}\n")
    print(table(["", "CPU s a minute", "USS MiB"], rows))


def _rows(agents: dict[str, AgentProcess], seconds: float) -> list[list[str]]:
    pids = {name: running.process.pid for name, running in agents.items()}
    before = {name: cpu_seconds(pid) for name, pid in pids.items()}
    began = time.monotonic()
    time.sleep(seconds)
    minutes = (time.monotonic() - began) / 60
    used = {name: (cpu_seconds(pid) - before[name]) / minutes for name, pid in pids.items()}
    rows = [[name, f"{used[name]:.3f}", f"{uss_mib([psutil.Process(pid)]):.1f}"] for name, pid in pids.items()]
    idle, watching = used.values()
    return [*rows, ["difference", f"{watching - idle:.3f}", ""]]


if __name__ == "__main__":
    main()
