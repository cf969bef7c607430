"""The cost of Prometheus for a number of machines: series, samples a second, memory, CPU, disk.

Run: python -m bench.fleet MACHINES ...    (for each number of machines, about 100 s)
     python -m bench.fleet --disk          (bytes a sample, about 150 s)

One real agent on a real jackd, with a plugin and an app, is asked for its two pages each second. One process serves
them as if they were of so many agents; Prometheus tells these apart by their `host`, as it does in production, and runs
with the shipped configuration, intervals and rules. CPU is of one core, memory is resident.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psutil
import yaml
from aiohttp import ClientSession, web

from bench.processes import cpu_seconds
from bench.table import machine, table
from tests.support.agent import agent
from tests.support.exporters import page, process
from tests.support.jackd import Jackd
from tests.support.monitoring import rendered
from tests.support.prometheus import Prometheus, free_port
from tests.support.stage_app import app, app_source, engine
from tests.support.waiting import eventually

REFRESH = 1.0
WARM_UP = 30.0
SECONDS = 60.0
PATIENCE = 120.0
USERS = 200

DISK_MACHINES = 20
DISK_SECONDS = 130.0
"""At a scrape a second: more than the 120 samples after which a chunk is full."""

PAGES = {"agent": "exclude[]=audio&exclude[]=plugins", "agent-audio": "collect[]=audio&collect[]=plugins"}


class Load(NamedTuple):
    """A Prometheus that scrapes a fleet, and its process."""

    server: Prometheus
    process: psutil.Process
    data: Path


def main() -> None:
    """Serve, as the child, or print a table."""
    if sys.argv[1:2] == ["--serve"]:
        asyncio.run(serve(sys.argv[2], int(sys.argv[3])))
    elif sys.argv[1:] == ["--disk"]:
        print(f"{DISK_MACHINES} machines, a scrape a second; {machine()}\n")
        print(table(["", "samples", "series", "bytes a sample", "index bytes a series"], [disk()]))
    else:
        print(f"{SECONDS:g} s each after {WARM_UP:g} s; {machine()}\n")
        header = ["machines", "series", "samples/s", "RSS MiB", "KiB a series", "CPU %", "slowest scrape s", "rules s"]
        print(table(header, [cost(int(machines)) for machines in sys.argv[1:]]))


async def serve(agent_url: str, port: int) -> None:
    """Answer as any number of agents, until killed.

    Args:
        agent_url: The real one.
        port: Of loopback, to answer on.
    """
    pages = dict.fromkeys(PAGES, gzip.compress(b""))

    async def answer(request: web.Request) -> web.Response:
        body = pages["agent-audio" if "collect[]" in request.query else "agent"]
        return web.Response(body=body, headers={"Content-Type": "text/plain", "Content-Encoding": "gzip"})

    application = web.Application()
    application.router.add_get("/{machine}", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    async with ClientSession() as client:
        while True:
            for job, query in PAGES.items():
                async with client.get(f"{agent_url}/metrics?{query}") as said:
                    pages[job] = gzip.compress(await said.read(), 1)
            await asyncio.sleep(REFRESH)


@contextlib.contextmanager
def fleet_agent(folder: Path) -> Iterator[str]:
    """Start the real agent whose pages a fleet has, and yield its URL."""
    sockets = folder / "sockets"
    sockets.mkdir()
    jackd = Jackd()
    with contextlib.ExitStack() as running:
        running.callback(jackd.close)
        jackd.start()
        running.enter_context(engine(sockets))
        stage = running.enter_context(app(folder, sockets))
        stage.write("opened", range(USERS))
        (folder / "salt").write_text("salt")
        config = f'audio.observers = "auto"\naudio.jack_server = "{jackd.name}"\nplugins.directories = ["{sockets}"]\n'
        config += 'loki.url = "http://127.0.0.1:9"\n' + app_source(stage.log, folder / "salt")
        real = running.enter_context(agent(folder, config))
        eventually(lambda: "ffi_calls_total{" in real.get("/metrics")[2], "the plugin is polled")
        yield real.url


@contextlib.contextmanager
def _fleet(folder: Path) -> Iterator[str]:
    """Start the process that answers as a fleet, and yield its address."""
    port = free_port()
    with (
        fleet_agent(folder) as url,
        process([sys.executable, "-m", "bench.fleet", "--serve", url, str(port)], folder),
    ):
        yield f"127.0.0.1:{port}"


@contextlib.contextmanager
def _watched(folder: Path, machines: int, interval: str | None = None) -> Iterator[Load]:
    """Start a Prometheus that has found so many machines. It scrapes at the shipped intervals, or at `interval`."""
    data = folder / "tsdb"
    with _fleet(folder) as address:
        config = _configured(folder, address, machines, interval)
        server = Prometheus(f"http://127.0.0.1:{free_port()}")
        options = [f"--config.file={config}", f"--storage.tsdb.path={data}", "--web.enable-admin-api"]
        listen = f"--web.listen-address={server.url.removeprefix('http://')}"
        with process(["prometheus", *options, listen], folder) as started:
            eventually(server.ready, "Prometheus is ready")
            every = f'sum(up{{job=~"agent|agent-audio"}}) == {2 * machines}'
            eventually(lambda: server.query(every), f"{machines} machines answer", PATIENCE)
            yield Load(server, psutil.Process(started.pid), data)


def _configured(folder: Path, address: str, machines: int, interval: str | None) -> Path:
    """Return the shipped configuration, with all agents at one address."""
    agents = folder / "agents.yml"
    groups = [
        {"targets": [address], "labels": {"host": f"m{number}", "instance": f"m{number}", "__metrics_path__": "/m"}}
        for number in range(machines)
    ]
    agents.write_text(yaml.safe_dump(groups))
    config = rendered(folder / "stack", {"AGENTS_FILE": str(agents)}) / "prometheus.yml"
    text = yaml.safe_load(config.read_text())
    if interval is not None:
        for job in text["scrape_configs"]:
            job |= {"scrape_interval": interval, "scrape_timeout": interval}
    config.write_text(yaml.safe_dump(text))
    return config


def cost(machines: int) -> list[str]:
    """Return the line of one size of a fleet."""
    with tempfile.TemporaryDirectory() as folder, _watched(Path(folder), machines) as load:
        time.sleep(WARM_UP)
        before, samples = cpu_seconds(load.process.pid), _samples(load)
        time.sleep(SECONDS)
        cpu = (cpu_seconds(load.process.pid) - before) / SECONDS
        series = _own(load, "prometheus_tsdb_head_series")
        memory = load.process.memory_info().rss
        slowest = load.server.value("max(scrape_duration_seconds{job!='ping'})") or 0.0
        numbers = (
            f"{series:.0f}",
            f"{(_samples(load) - samples) / SECONDS:.0f}",
            f"{memory / 2**20:.0f}",
            f"{memory / series / 1024:.1f}",
            f"{100 * cpu:.0f}",
            f"{slowest:.2f}",
            f"{_own(load, 'prometheus_rule_group_last_duration_seconds'):.2f}",
        )
    return [str(machines), *numbers]


def _samples(load: Load) -> float:
    return _own(load, "prometheus_tsdb_head_samples_appended_total")


def _own(load: Load, name: str) -> float:
    """Return the sum of one of Prometheus's own metrics."""
    lines = (page(f"{load.server.url}/metrics") or "").splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith((f"{name} ", f"{name}{{")))


def disk() -> list[str]:
    """Return the size of a block of full chunks."""
    with tempfile.TemporaryDirectory() as folder, _watched(Path(folder), DISK_MACHINES, "1s") as load:
        time.sleep(DISK_SECONDS)
        snapshot = f"{load.server.url}/api/v1/admin/tsdb/snapshot"
        request = urllib.request.Request(snapshot, method="POST")  # noqa: S310 - our own server
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - our own server
            name = json.load(answer)["data"]["name"]
        blocks = [path.parent for path in (load.data / "snapshots" / name).glob("*/meta.json")]
        stats = [json.loads((block / "meta.json").read_text())["stats"] for block in blocks]
        samples, series = (sum(it[key] for it in stats) for key in ("numSamples", "numSeries"))
        chunks = sum(file.stat().st_size for block in blocks for file in (block / "chunks").iterdir())
        index = sum((block / "index").stat().st_size for block in blocks)
    return [str(DISK_MACHINES), str(samples), str(series), f"{chunks / samples:.2f}", f"{index / series:.0f}"]


if __name__ == "__main__":
    main()
