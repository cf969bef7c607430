"""The speed and the cost of a million log lines: the whole agent, from a file to a sink that counts.

Run: python -m bench.logs_throughput [LINES]

JSON lines of 210 bytes, as an engine writes them; the level becomes a label, the time is the line's own. A second row
adds a counter, a histogram and two distinct counts. CPU and memory are the whole agent's, all of its parts running; for
how long the event loop is held up says `bench.logs_stall`. The marks to beat on a machine like
this: Promtail 3.6 with 54,000 lines/s, 21.6 CPU seconds and 96 MiB; Fluent Bit 5.1 with 93,000 lines/s, 7.8 CPU
seconds and 80 MiB (neither can be installed here).
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

from bench.processes import cpu_seconds, uss_mib
from bench.table import machine, table
from tests.support.agent import AgentProcess, agent
from tests.support.loki import Loki, loki

LINES = 1_000_000
LINE_BYTES = 210
DEADLINE = 300.0

CONFIG = """
loki.url = "{url}"
[[logs.sources]]
name = "{name}"
paths = ["{path}"]
stages = [
  {{ json = {{ fields = ["time", "level", "logger", "trace_id", "duration"] }} }},
  {{ timestamp = {{ field = "time", format = "rfc3339" }} }},
  {{ level = {{}} }},
  {{ labels = {{ fields = ["level"] }} }},
  {metrics}
]
"""

METRICS = (
    '{ metrics = { counters = [{ name = "lines_total", labels = ["level"] }], '
    'histograms = [{ name = "render_seconds", value = "duration", labels = ["logger"] }], '
    'distinct = [{ name = "traces", value = "trace_id" }, { name = "times", value = "time", precision = 12 }] } },'
)

CASES = {"plain": "", "with metrics": METRICS}

LEVELS = ("info", "info", "info", "info", "info", "debug", "debug", "warning", "error", "info")


def write_lines(path: Path, count: int) -> None:
    """Write `count` lines, a millisecond apart, the last one now."""
    start = datetime.now(UTC) - timedelta(milliseconds=count)
    with path.open("w") as file:
        for number in range(count):
            instant = start + timedelta(milliseconds=number)
            record = {
                "time": instant.isoformat(timespec="microseconds").replace("+00:00", "Z"),
                "level": LEVELS[number % len(LEVELS)],
                "logger": "engine.render",
                "message": "",
                "trace_id": f"{number:032x}",
                "duration": number % 997 / 1000,
                "service": "juce-backend",
            }
            missing = LINE_BYTES - 1 - len(json.dumps(record))
            record["message"] = "buffer rendered for channel group "[:missing].ljust(missing, "x")
            file.write(json.dumps(record) + "\n")


def main() -> None:
    """Ship the lines and print the table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else LINES
    rows = [_measure(name, metrics, count) for name, metrics in CASES.items()]
    print(f"{count:,} lines of {LINE_BYTES} bytes; {machine()}\n")
    print(table(["", "lines/s", "CPU s", "peak USS MiB", "wire MB"], rows))


def _measure(name: str, metrics: str, count: int) -> list[str]:
    with tempfile.TemporaryDirectory() as folder, loki(counting=True) as sink:
        path = Path(folder) / "app.log"
        path.touch()
        config = CONFIG.format(url=sink.url, name="bench", path=path, metrics=metrics)
        with agent(Path(folder), config) as running:
            ready = Path(folder) / "lines"
            write_lines(ready, count)
            return [name, *_ship(running, sink, ready, path, count)]


def _ship(running: AgentProcess, sink: Loki, ready: Path, path: Path, count: int) -> list[str]:
    """Move the lines under the watched name, and wait until the sink has them all."""
    process = psutil.Process(running.process.pid)
    time.sleep(2)
    before, began, peak = cpu_seconds(process.pid), time.monotonic(), 0.0
    ready.rename(path)
    while sink.counted()["entries"] < count:
        peak = max(peak, uss_mib([process]))
        if time.monotonic() - began > DEADLINE:
            raise TimeoutError(f"{sink.counted()} after {DEADLINE:g} s; the agent's log: {running.log()[-2000:]}")
        time.sleep(0.1)
    seconds, cpu = time.monotonic() - began, cpu_seconds(process.pid) - before
    wire = sink.counted()["wire_bytes"] / 1e6
    return [f"{count / seconds:,.0f}", f"{cpu:.1f}", f"{peak:.1f}", f"{wire:.1f}"]


if __name__ == "__main__":
    main()
