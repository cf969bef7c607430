"""A small site with load and with a server that is down. Its central stack runs fifteen times faster."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from agent.exposition.formats import Format
from agent.exposition.render import Renderer
from collectors.containers.collector import ContainersCollector
from collectors.containers.config import ContainersConfig
from monitoring.drill.receivers import receivers
from tests.collectors.containers.support import WEB, write_group, write_machine
from tests.support import exporters
from tests.support.agent import agent
from tests.support.jack_client import JackClient
from tests.support.jackd import Jackd
from tests.support.loki import Loki, loki
from tests.support.platform_metrics import APP, ENGINE, reporting
from tests.support.prometheus import Prometheus
from tests.support.remote_write import Machine
from tests.support.stack import stack
from tests.support.stage_app import App, app, app_source, engine
from tests.support.waiting import eventually

STUDIO, PUSHER, SERVER = "studio-1", "studio-2", "server-1"
"""The hosts. One agent is the first two: Prometheus scrapes it as the first, and it pushes as the second."""

HASTE = 15  # a minute of the rules is four seconds

_CONFIG = """
machine = "{pusher}"
audio.observers = "auto"
audio.jack_server = "{jackd}"
plugins.directories = ["{sockets}"]
plugins.interval = "500ms"
loki.url = "{loki}"
remote_write.url = "{prometheus}/api/v1/write"
remote_write.interval = "1s"
remote_write.labels = {{ role = "studio" }}
[[logs.sources]]
name = "nothing"
paths = ["{folder}/no-such-log"]
"""


class World(NamedTuple):
    """The servers of the site.

    Attributes:
        prometheus: Knows all.
        loki: Has the lines of the app on the studio machine.
        log: Returns the log of the agent on the studio machine.
    """

    prometheus: Prometheus
    loki: Loki
    log: Callable[[], str]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    sockets = folder / "sockets"
    sockets.mkdir()
    with contextlib.ExitStack() as running:
        logs = running.enter_context(loki())
        plugin = running.enter_context(engine(sockets))
        stage = running.enter_context(app(folder, sockets))
        running.enter_context(reporting(plugin.registry, ENGINE))
        running.enter_context(reporting(stage.registry, APP))
        jackd = _jackd(running)
        _, settings = running.enter_context(receivers("alerts@wr.example", "the password"))
        agents = folder / "agents.yml"
        agents.write_text("[]")
        central = running.enter_context(stack(folder, settings | {"AGENTS_FILE": str(agents)}, times=HASTE))
        config = _CONFIG.format(
            jackd=jackd.name,
            sockets=sockets,
            loki=logs.url,
            folder=folder,
            pusher=PUSHER,
            prometheus=central.prometheus.url,
        )
        source = app_source(stage.log, _salt(folder)).replace('name = "app"', f'name = "app"\nlabels = {_labels()}', 1)
        own = running.enter_context(agent(folder, config + source))
        studio = own.url.removeprefix("http://")
        server = running.enter_context(_container_host(folder / "machine"))
        agents.write_text(_targets(studio, server))
        _lose(Machine(central.prometheus.url, "server-3"), central.prometheus)
        central.watch("postgres", [(running.enter_context(exporters.postgres(folder)).metrics, "postgresql", SERVER)])
        central.watch("redis", [(running.enter_context(exporters.redis(folder)).metrics, "redis", SERVER)])
        central.watch("nginx", [(running.enter_context(exporters.nginx(folder)).metrics, "nginx", SERVER)])
        running.enter_context(_busy(stage, JackClient(jackd.name)))
        yield World(central.prometheus, logs, own.log)


def _labels() -> str:
    return f'{{ host = "{STUDIO}", service = "swift-frontend" }}'


def _salt(folder: Path) -> Path:
    (folder / "salt").write_text("the same on every machine")
    return folder / "salt"


def _jackd(running: contextlib.ExitStack) -> Jackd:
    server = Jackd()
    running.callback(server.close)
    server.start()
    return server


def _lose(machine: Machine, prometheus: Prometheus) -> None:
    """Let a machine vanish once its samples arrive."""
    eventually(lambda: prometheus.query('host:push:arriving{host="server-3"} == 1'), "it pushes")
    machine.vanish()


def _targets(studio: str, server: str) -> str:
    groups = [
        {"targets": [studio], "labels": {"host": STUDIO, "role": "studio"}},
        {"targets": [server], "labels": {"host": SERVER, "role": "server"}},
        {"targets": ["127.0.0.1:9"], "labels": {"host": "server-2", "role": "server"}},
    ]
    return yaml.safe_dump(groups)


@contextlib.contextmanager
def _container_host(root: Path) -> Iterator[str]:
    """Yield the address of a machine with one container: the agent's collector on a tree of files."""
    write_machine(root)
    write_group(root, f"/system.slice/docker-{WEB}.scope")
    collector = ContainersCollector(ContainersConfig(sockets=[]), root)
    asyncio.run(collector.look())

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            families = [] if "collect" in self.path else list(collector.collect())
            page = Renderer().render([("containers", families)], Format.TEXT).body
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def _busy(stage: App, player: JackClient) -> Iterator[None]:
    """Keep users active, and let a player miss the device's deadline now and then."""
    ended = threading.Event()

    def work() -> None:
        users = 0
        while not ended.wait(0.5):
            users += 1
            for event in ("song_created", "performance_switched", "user_signed_up"):
                stage.write(event, [users])
            stage.features.labels("looper").inc()
            stage.sessions.inc()
            stage.session_seconds.observe(900)
            player.tell("late 0.05")

    worker = threading.Thread(target=work)
    worker.start()
    try:
        yield
    finally:
        ended.set()
        worker.join()
        player.close()
