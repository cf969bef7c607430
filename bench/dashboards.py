"""The seconds that the dashboards' queries take with 200 machines and 15 days of data.

Run: python -m bench.dashboards [MACHINES]    (about 5 minutes)

One real agent on a real jackd, with a plugin and an app that report every family, gives a page. Its series become those
of so many machines, with rising counters: 15 days at a sample each hour, the last hour at a sample each 15 s, as
blocks that promtool writes. Recordings and alerts are written as well. A real Prometheus then answers every query of
every dashboard for all machines, one after the other, at each dashboard's own range and at 15 days.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bench.processes import cpu_seconds
from bench.table import machine, table
from tests.support.agent import agent
from tests.support.dashboards import Question, boards, filled_in, questions, variables
from tests.support.exporters import process
from tests.support.jackd import Jackd
from tests.support.platform_metrics import APP, ENGINE, reporting
from tests.support.prometheus import Prometheus, free_port
from tests.support.promql import metric_names
from tests.support.stage_app import app, app_source, engine
from tests.support.waiting import eventually

MACHINES = 200
DAYS = 15
DAY_SECONDS = 86_400
BLOCK_SECONDS = 64_800
"""The length of a block after Prometheus's compaction, with 15 days of retention: 18 hours."""

COARSE_SECONDS, FINE_SECONDS = 3600, 15
FINE_SPAN_SECONDS = 3600
POINTS = 600
"""Points of a graph: Grafana asks for about one per two pixels."""

SPANS = {"now-30m": 1800, "now-1h": 3600, "now-24h": 86_400, "now-7d": 604_800}

CPU_MODES = ("idle", "iowait", "irq", "nice", "softirq", "steal", "system", "user")

OF_HOSTS = {
    "host:cpu_busy:ratio_rate1m": [""],
    "host:cpus:count": [""],
    "host_mode:cpu_seconds:rate1m": [f'mode="{it}"' for it in CPU_MODES],
    "host_device:audio_coverage:level": ['device="system"'],
    "host:memory_used:ratio": [""],
    "host_mountpoint:filesystem_avail:ratio": [f'mountpoint="{at}",device="/dev/sda{at}"' for at in ("/", "/home")],
    "host_resource:pressure:ratio_rate1m": [f'resource="{it}"' for it in ("cpu", "memory", "io")],
    "host_device:dropouts:increase1m": ['device="system"'],
    "host_device:buffer_jitter_seconds:p99_rate1m": ['device="system"'],
    "host_plugin:render_time_seconds:p99_rate1m": ['plugin="synth"'],
    "host_plugin:render_deadline:ratio_rate1m": ['plugin="synth"'],
    "host_plugin:ffi_errors:ratio_rate5m": ['plugin="synth"'],
    "host_plugin:ffi_call_duration_seconds:p99_rate5m": ['plugin="synth"'],
    "host:event_loop_lag_seconds:p99_rate5m": [""],
    "host:ui_render_time_seconds:p95_rate5m": [""],
    "host:ui_transition_duration_seconds:p95_rate5m": [""],
    "host:ui_interaction_time_seconds:p95_rate5m": [""],
    "host:song_load_duration_seconds:p95_rate5m": [""],
    "host:export_duration_seconds:p95_rate5m": [""],
    'up{job="agent"}': [""],
}
"""Recordings of each machine, with their further labels."""

OF_ALL = [
    'service:http_requests:rate5m{service="juce-backend"}',
    'service:http_errors:ratio_rate5m{service="juce-backend"}',
    'service:http_request_duration_seconds:p95_rate5m{service="juce-backend"}',
    'service:http_request_duration_seconds:p99_rate5m{service="juce-backend"}',
    'function:ffi_call_duration_seconds:p99_rate5m{function="sch_engine_load_song"}',
    'window:active_users:estimate{window="day"}',
    'window:active_users:estimate{window="month"}',
    "cluster:songs_created:increase1h{}",
    "cluster:performances_switched:increase1h{}",
    "cluster:user_signups:increase1h{}",
    "cluster:session_duration_seconds:p50_rate1h{}",
    'feature:feature_usage:increase1h{feature="looper"}',
]


class Series(NamedTuple):
    """A series of one machine.

    Attributes:
        head: Its name and labels, without the closing brace.
        rises: True for a counter.
    """

    head: str
    rises: bool


class Server(NamedTuple):
    """A running Prometheus."""

    url: str
    pid: int


class Timing(NamedTuple):
    """The time of one panel."""

    board: str
    panel: str
    seconds: float


def main() -> None:
    """Write the data, time the queries, print a table."""
    machines = int(sys.argv[1]) if len(sys.argv) > 1 else MACHINES
    end = int(time.time()) // FINE_SECONDS * FINE_SECONDS
    with tempfile.TemporaryDirectory() as folder:
        kinds = _series_of_a_machine(Path(folder))
        samples = _write_blocks(Path(folder) / "tsdb", kinds, machines, end)
        print(
            f"{machines} machines, {DAYS} days, {samples:,} samples, {len(kinds)} series a machine; {machine()}\n",
            flush=True,
        )
        with _prometheus(Path(folder)) as server:
            for span in (None, DAYS * DAY_SECONDS):
                header = ["", "range", "queries", "all panels s", "of CPU time s", "slowest panel s", "slowest panel"]
                print(table(header, [*_rows(server, end, span)]), "\n", flush=True)


def _series_of_a_machine(folder: Path) -> list[Series]:
    """Return the series of a real agent that a dashboard asks for."""
    sockets = folder / "sockets"
    sockets.mkdir()
    (folder / "salt").write_text("salt")
    with contextlib.ExitStack() as running:
        jackd = Jackd()
        running.callback(jackd.close)
        jackd.start()
        plugin, stage = running.enter_context(engine(sockets)), running.enter_context(app(folder, sockets))
        running.enter_context(reporting(plugin.registry, ENGINE))
        running.enter_context(reporting(stage.registry, APP))
        config = f'audio.observers = "auto"\naudio.jack_server = "{jackd.name}"\nplugins.directories = ["{sockets}"]\n'
        config += 'loki.url = "http://127.0.0.1:9"\n'
        real = running.enter_context(agent(folder, config + app_source(stage.log, folder / "salt")))
        wanted = ("ffi_errors_total{", "audio_channel_peak_ratio{", "ui_frame_rate")
        page = eventually(lambda: _complete(real.get("/metrics")[2], wanted), "every family is there")
    types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", page, re.MULTILINE))
    asked = set().union(*(metric_names(_plain(it.text)) for it in questions() if it.source == "prometheus"))
    heads = re.findall(r"^([a-zA-Z_]\w*)(?:\{(.*)\})? \S+$", page, re.MULTILINE)
    rising = {"counter", "histogram"}
    return [
        Series(f"{name}{{{labels}", types.get(re.sub(r"_(bucket|sum|count)$", "", name), types.get(name)) in rising)
        for name, labels in heads
        if name in asked
    ]


def _complete(page: str, wanted: tuple[str, ...]) -> str | None:
    return page if all(it in page for it in wanted) else None


def _plain(text: str) -> str:
    return re.sub(r"\[\$[^\]]*\]", "[5m]", text).replace("$__interval_ms", "1")


def _write_blocks(target: Path, kinds: list[Series], machines: int, end: int) -> int:
    """Write 15 days as compacted blocks, and return the number of samples."""
    heads = [*_heads(kinds, machines)]
    start = (end - DAYS * DAY_SECONDS) // BLOCK_SECONDS * BLOCK_SECONDS
    samples = 0
    for begin in range(start, end, BLOCK_SECONDS):
        times = [at for at in range(begin, begin + BLOCK_SECONDS, FINE_SECONDS) if at <= end and _wanted(at, end)]
        file = target.with_suffix(".om")
        with file.open("w") as out:
            for head, rises in heads:
                out.writelines(f"{head}}} {at - start if rises else 0.5 + at % 7 / 100} {at}\n" for at in times)
            out.write("# EOF\n")
        create = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "--quiet", _LONG_BLOCKS]
        subprocess.run([*create, str(file), str(target)], check=True, capture_output=True)
        samples += len(heads) * len(times)
        file.unlink()
    return samples


_LONG_BLOCKS = f"--max-block-duration={BLOCK_SECONDS}s"


def _wanted(at: int, end: int) -> bool:
    return at > end - FINE_SPAN_SECONDS or at % COARSE_SECONDS == 0


def _heads(kinds: list[Series], machines: int) -> Iterator[Series]:
    for number in range(machines):
        host = f'host="studio-{number}",role="studio"'
        for head, rises in kinds:
            yield Series(f"{head}{'' if head.endswith('{') else ','}{host}", rises)
        for name, further in OF_HOSTS.items():
            head = name.removesuffix("}") if "{" in name else name + "{"
            for label in further:
                yield Series(",".join(filter(None, (head, label, host))).replace("{,", "{"), rises=False)
    for number in range(machines // 10):
        labels = f'alertname="AudioDropouts",priority="P1",team="audio",host="studio-{number}"'
        yield Series(f'ALERTS{{alertstate="firing",{labels}', rises=False)
        yield Series(f"ALERTS_FOR_STATE{{{labels}", rises=False)
    yield from (Series(head.removesuffix("}"), rises=False) for head in OF_ALL)


@contextlib.contextmanager
def _prometheus(folder: Path) -> Iterator[Server]:
    (folder / "prometheus.yml").write_text("global: {}\n")
    server = Prometheus(f"http://127.0.0.1:{free_port()}")
    options = [f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'tsdb'}"]
    listen = f"--web.listen-address={server.url.removeprefix('http://')}"
    with process(["prometheus", *options, listen, "--storage.tsdb.retention.time=60d"], folder) as started:
        eventually(server.ready, "Prometheus is ready", 120)
        yield Server(server.url, started.pid)


def _rows(server: Server, end: int, span: int | None) -> Iterator[list[str]]:
    for uid, board in boards().items():
        seconds = span or SPANS[board["time"]["from"]]
        asked = [it for it in questions() if it.board == uid and it.source == "prometheus"]
        before = cpu_seconds(server.pid)
        timings = [
            Timing(uid, it.where.removesuffix(f" {it.where[-1]}"), _ask(server, it, end, seconds)) for it in asked
        ]
        panels = {
            panel: sum(it.seconds for it in of)
            for panel, of in itertools.groupby(sorted(timings, key=lambda it: it.panel), lambda it: it.panel)
        }
        slowest = max(panels, key=panels.__getitem__)
        total = sum(panels.values())
        named = f"{seconds // DAY_SECONDS} d" if seconds >= DAY_SECONDS else f"{seconds // 60} min"
        used = cpu_seconds(server.pid) - before
        yield [uid, named, str(len(asked)), f"{total:.2f}", f"{used:.2f}", f"{panels[slowest]:.2f}", slowest]


def _ask(server: Server, question: Question, end: int, span: int) -> float:
    """Return the seconds of one query, as Grafana sends it."""
    step = max(FINE_SECONDS, span // min(POINTS, question.points or POINTS))
    values = {name: variable["allValue"] for name, variable in variables(boards()[question.board]).items()}
    own = {
        "__rate_interval": f"{max(4 * FINE_SECONDS, step + FINE_SECONDS)}s",
        "__interval": f"{step}s",
        "__interval_ms": str(step * 1000),
        "__range": f"{span}s",
    }
    query = {"query": filled_in(question.text, values | own)}
    if question.instant:
        path, query = "query", query | {"time": str(end)}
    else:
        path, query = "query_range", query | {"start": str(end - span), "end": str(end), "step": str(step)}
    started = time.perf_counter()
    body = urllib.parse.urlencode(query).encode()
    with urllib.request.urlopen(f"{server.url}/api/v1/{path}", data=body, timeout=120) as answer:  # noqa: S310 - on loopback
        status = json.load(answer)["status"]
    if status != "success":
        raise ValueError(f"{question.where}: {status}")
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
