"""The time from a write to a quiet log file until its line reaches Loki, and its cost.

Run: python -m bench.logs_heard [FILES]

One agent reads all files; audio and the host are off. First, single files get a line, one after another. Then all files
get a line at once, three times. A sink of its own takes the time at which each request arrives.
"""

from __future__ import annotations

import gzip
import http.server
import json
import random
import socketserver
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

from bench.processes import cpu_seconds, uss_mib
from bench.table import machine, table
from tests.support.agent import agent
from tests.support.waiting import eventually

FILES = 1000
SINGLE = 300
ROUNDS = 3
SPACING = 0.05
QUIET = 20.0

CONFIG = """
audio.observers = "off"
host.enabled = false
plugins.enabled = false
loki.url = "http://127.0.0.1:{port}"
[[logs.sources]]
name = "quiet"
paths = ["{folder}/*.log"]
"""


class Sink(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """An HTTP server that notes the arrival of each line."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Push)
        self.arrived: dict[str, float] = {}
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Push(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Sink

    def do_POST(self) -> None:
        """Take the lines of a push."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        now = time.monotonic()
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        for stream in json.loads(body)["streams"]:
            for value in stream["values"]:
                self.server.arrived.setdefault(value[1], now)
        self.send_response(204)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        """Answer the probe."""
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the signature of http.server
        """Log nothing."""


def main() -> None:
    """Measure and print the table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else FILES
    sink = Sink()
    with tempfile.TemporaryDirectory() as folder:
        logs = Path(folder) / "logs"
        logs.mkdir()
        files = [logs / f"{number}.log" for number in range(count)]
        for file in files:
            file.write_text(f"begin {file.name}\n")
        with agent(Path(folder), CONFIG.format(port=sink.server_address[1], folder=logs)) as running:
            pid = running.process.pid
            eventually(lambda: len(sink.arrived) >= count or None, "every file is read")
            time.sleep(3)
            idle = _cpu_of(pid, QUIET)
            rows = [_single(files, sink, pid), *(_all(files, sink, pid, round_) for round_ in range(ROUNDS))]
            memory = uss_mib([psutil.Process(pid)])
    print(f"{count} files; {machine()}; {memory:.0f} MiB USS; {idle:.2f} CPU seconds a minute while quiet\n")
    print(table(["", "p50 s", "p99 s", "max s", "CPU ms a line"], rows))


def _cpu_of(pid: int, seconds: float) -> float:
    before = cpu_seconds(pid)
    time.sleep(seconds)
    return (cpu_seconds(pid) - before) * 60 / seconds


def _single(files: list[Path], sink: Sink, pid: int) -> list[str]:
    chosen = random.Random(1).sample(files, min(SINGLE, len(files)))  # noqa: S311 - repeatable
    before = cpu_seconds(pid)
    written: dict[str, float] = {}
    for file in chosen:
        written |= _write(file, "single")
        time.sleep(SPACING)
    return _row(f"one file each {SPACING * 1000:.0f} ms", written, sink, cpu_seconds(pid), before, pid)


def _all(files: list[Path], sink: Sink, pid: int, number: int) -> list[str]:
    before = cpu_seconds(pid)
    written: dict[str, float] = {}
    for file in files:
        written |= _write(file, f"all {number}")
    return _row("all at once", written, sink, 0.0, before, pid)


def _write(file: Path, text: str) -> dict[str, float]:
    line = f"{text} {file.name}"
    with file.open("a") as opened:
        opened.write(f"{line}\n")
    return {line: time.monotonic()}


def _row(name: str, written: dict[str, float], sink: Sink, after: float, before: float, pid: int) -> list[str]:
    eventually(lambda: written.keys() <= sink.arrived.keys() or None, "every line has arrived")
    used = (after or cpu_seconds(pid)) - before
    late = sorted(sink.arrived[line] - at for line, at in written.items())
    shown = (late[len(late) // 2], late[int(len(late) * 0.99)], late[-1])
    return [name, *(f"{seconds:.2f}" for seconds in shown), f"{used / len(late) * 1000:.2f}"]


if __name__ == "__main__":
    main()
