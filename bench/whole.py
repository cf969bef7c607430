"""The cost of the whole agent, against that of the programs that it replaces, and its parts.

Run: python -m bench.whole [SECONDS]

The agent measures the host and all control groups, and watches 20 quiet log files. It is scraped once a second, as are
Debian's node_exporter and cAdvisor; Promtail watches the same files. cAdvisor and Promtail are compared if they are on
the PATH. The parts are further agents with less to do, in the same run, so that other work affects all alike. A part's
cost is the difference to the agent of the row above.
"""

from __future__ import annotations

import contextlib
import http.client
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.processes import cpu_seconds, tree, uss_mib
from bench.table import machine, table
from tests.support.agent import agent
from tests.support.loki import loki
from tests.support.node_exporter import node_exporter
from tests.support.waiting import eventually

FILES = 20
SECONDS = 60.0
SETTLE = 10.0
CPU_AIM, MEMORY_AIM = 0.7, 1 / 3

NOTHING = "host.enabled = false\n"
HOST = ""
CONTAINERS = 'containers.measure = "all"\n'
LOGS = """
loki.url = "{url}"
[[logs.sources]]
name = "quiet"
paths = ["{logs}/*.log"]
"""
PARTS = (
    ("the daemon, an empty page", NOTHING),
    ("the host", HOST),
    ("all control groups", CONTAINERS),
    (f"{FILES} quiet log files", CONTAINERS + LOGS),
)
"""Names and configurations; each row has the parts of the rows above too."""

HEADERS = {"Accept-Encoding": "gzip", "Accept": "text/plain;version=0.0.4"}

PROMTAIL = """
server: {{http_listen_port: {port}, grpc_listen_port: 0, http_listen_address: 127.0.0.1}}
positions: {{filename: {folder}/positions.yaml}}
clients: [{{url: "{url}"}}]
scrape_configs:
  - job_name: quiet
    static_configs: [{{labels: {{job: quiet, __path__: "{logs}/*.log"}}}}]
"""


@dataclass(frozen=True, slots=True)
class Program:
    """One running program: its name, its process, and the address of its page; "" without one."""

    name: str
    pid: int
    url: str = ""


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of a program: CPU seconds a minute, and USS in MiB."""

    cpu: float
    memory: float


def main() -> None:
    """Measure all programs together and print both tables."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        sink = stack.enter_context(loki())
        logs = folder / "logs"
        logs.mkdir()
        for number in range(FILES):
            (logs / f"{number}.log").write_text("a line\n")
        parts = [stack.enter_context(_part(folder / str(n), *part, sink.url, logs)) for n, part in enumerate(PARTS)]
        others = [*stack.enter_context(_others(folder, sink.url, logs))]
        eventually(lambda: len(sink.lines()) >= FILES, "every file is read")
        _scrape_each_second([*parts, *others], SETTLE)
        costs = _costs([*parts, *others], seconds)
    print(f"{seconds:g} s, scraped each second; {machine()}\n")
    print(table(["", "CPU s a minute", "USS MiB"], _comparison(parts[-1], others, costs)))
    print()
    print(table(["of which", "CPU s a minute", "USS MiB"], _differences(parts, costs)))


@contextlib.contextmanager
def _part(folder: Path, name: str, config: str, url: str, logs: Path) -> Iterator[Program]:
    folder.mkdir()
    with agent(folder, config.format(url=url, logs=logs)) as running:
        yield Program(name, running.process.pid, f"{running.url}/metrics")


@contextlib.contextmanager
def _others(folder: Path, url: str, logs: Path) -> Iterator[list[Program]]:
    with contextlib.ExitStack() as stack:
        exporter = stack.enter_context(node_exporter("--web.disable-exporter-metrics"))
        found = [Program("node_exporter", exporter.pid, exporter.url)]
        if shutil.which("cadvisor"):
            port = str(_free_port())
            pid = stack.enter_context(_running("cadvisor", "-listen_ip=127.0.0.1", f"-port={port}"))
            found.append(Program("cAdvisor", pid, f"http://127.0.0.1:{port}/metrics"))
        if shutil.which("promtail"):
            config = folder / "promtail.yaml"
            push = f"{url.rstrip('/')}/loki/api/v1/push"
            config.write_text(PROMTAIL.format(folder=folder, url=push, logs=logs, port=_free_port()))
            found.append(Program("Promtail", stack.enter_context(_running("promtail", f"-config.file={config}"))))
        yield found


@contextlib.contextmanager
def _running(*command: str) -> Iterator[int]:
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield process.pid
        finally:
            process.terminate()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def _scrape_each_second(programs: Sequence[Program], seconds: float) -> None:
    connections = [(program, _connection(program)) for program in programs if program.url]
    began = time.monotonic()
    rounds = 0
    while time.monotonic() - began < seconds:
        for program, connection in connections:
            connection.request("GET", _path(program), headers=HEADERS)
            connection.getresponse().read()
        rounds += 1
        time.sleep(max(began + rounds - time.monotonic(), 0))


def _connection(program: Program) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(program.url.removeprefix("http://").partition("/")[0], timeout=30)


def _path(program: Program) -> str:
    return "/" + program.url.removeprefix("http://").partition("/")[2]


def _costs(programs: Sequence[Program], seconds: float) -> dict[str, Cost]:
    before = {program.name: cpu_seconds(program.pid) for program in programs}
    began = time.monotonic()
    _scrape_each_second(programs, seconds)
    minutes = (time.monotonic() - began) / 60
    return {
        program.name: Cost((cpu_seconds(program.pid) - before[program.name]) / minutes, uss_mib(tree(program.pid)))
        for program in programs
    }


def _comparison(whole: Program, others: Sequence[Program], costs: dict[str, Cost]) -> list[list[str]]:
    ours, theirs = costs[whole.name], [costs[program.name] for program in others]
    cpu, memory = sum(cost.cpu for cost in theirs), sum(cost.memory for cost in theirs)
    return [
        ["wr-agent", f"{ours.cpu:.2f}", f"{ours.memory:.1f}"],
        *(
            [program.name, f"{cost.cpu:.2f}", f"{cost.memory:.1f}"]
            for program, cost in zip(others, theirs, strict=True)
        ),
        ["their sum", f"{cpu:.2f}", f"{memory:.1f}"],
        ["wr-agent in parts of the sum", f"{ours.cpu / cpu:.2f}", f"{ours.memory / memory:.2f}"],
        ["aim, against all three", f"{CPU_AIM:.2f}", f"{MEMORY_AIM:.2f}"],
    ]


def _differences(parts: Sequence[Program], costs: dict[str, Cost]) -> list[list[str]]:
    rows = []
    above = Cost(0, 0)
    for part in parts:
        cost = costs[part.name]
        rows.append([part.name, f"{cost.cpu - above.cpu:.2f}", f"{cost.memory - above.memory:.1f}"])
        above = cost
    return rows


if __name__ == "__main__":
    main()
