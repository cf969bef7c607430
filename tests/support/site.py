"""A small copy of White Room's site: two studio machines with their agents, servers, and the central stack."""

from __future__ import annotations

import contextlib
import subprocess
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from monitoring.drill.receivers import Receivers, receivers
from tests.support import exporters
from tests.support.agent import agent
from tests.support.exporters import Watched
from tests.support.jackd import Jackd
from tests.support.loki import Loki, loki
from tests.support.small_disk import MAY_MOUNT, SmallDisk, small_disk
from tests.support.stack import Stack, stack
from tests.support.stage_app import App, Engine, app, app_source, engine
from tests.support.waiting import PATIENCE, eventually

STUDIO, OTHER_STUDIO, SERVER, CACHE = "studio-1", "studio-2", "server-1", "cache-2"
"""The hosts. The last two have no agent, only exporters."""

_HEARTBEAT_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Services:
    """The services on the servers, each with its exporter."""

    postgres: Watched
    redis: Watched
    nginx: Watched
    cache: Watched


@dataclass(frozen=True, slots=True)
class Site:
    """The parts of it.

    Attributes:
        folder: The folder of all their files.
        jackd: The audio server of the first studio machine.
        engine: A plugin there.
        disk: A small file system there, if the tests may mount one.
        apps: The app on each studio machine.
        loki: The Loki of both machines.
        services: The services on the servers.
        stack: The central stack.
        seen: All notifications.
        running: The owner of all that is started later.
    """

    folder: Path
    jackd: Jackd
    engine: Engine
    disk: SmallDisk | None
    apps: Sequence[App]
    loki: Loki
    services: Services
    stack: Stack
    seen: Receivers
    running: contextlib.ExitStack

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """End a process of a service."""
        process.terminate()
        process.wait(PATIENCE)

    def run(self, command: Sequence[str | Path]) -> None:
        """Start a process that ends with the site."""
        self.running.enter_context(exporters.process(command, self.folder))

    def revive(self, process: subprocess.Popen[bytes]) -> None:
        """Restart a killed process."""
        assert isinstance(process.args, list)
        self.run(process.args)

    def redis(self, *command: str) -> None:
        """Give Redis a command."""
        redis_cli = ["redis-cli", "-u", self.services.redis.url, *command]
        assert subprocess.run(redis_cli, capture_output=True, text=True, check=True).stdout == "OK\n"


@contextlib.contextmanager
def site(folder: Path, *, times: int = 1) -> Iterator[Site]:
    """Yield the whole site at work, and end it afterwards.

    Args:
        folder: For its files.
        times: The factor by which the central stack's time is faster.
    """
    with contextlib.ExitStack() as running:
        seen, settings = running.enter_context(receivers("alerts@wr.example", "the password"))
        jackd = Jackd()
        running.callback(jackd.close)
        jackd.start()
        logs = running.enter_context(loki())
        disk = running.enter_context(small_disk(folder)) if MAY_MOUNT else None
        homes = [_folder(folder / host) for host in (STUDIO, OTHER_STUDIO)]
        apps = [running.enter_context(app(home, _folder(home / "sockets"))) for home in homes]
        plugin = running.enter_context(engine(homes[0] / "sockets"))
        services = _services(folder, running)
        agents = _agents(folder, running, (_AUDIO.format(jackd.name, folder), _NO_HOST), logs.url)
        central = running.enter_context(stack(folder, settings | {"AGENTS_FILE": agents}, times=times))
        _watch(central, services)
        for one in apps:
            running.enter_context(_alive(one))
        yield Site(folder, jackd, plugin, disk, apps, logs, services, central, seen, running)


_AUDIO = """
audio.observers = "auto"
audio.jack_server = "{}"
host.mount_points.include = "^{}"
"""
_NO_HOST = "host.enabled = false"
_CONFIG = """
{more}
plugins.directories = ["{home}/sockets"]
plugins.interval = "500ms"
loki.url = "{loki}"
loki.longest_wait = "1s"
"""


def _agents(folder: Path, running: contextlib.ExitStack, more: Sequence[str], loki_url: str) -> str:
    """Start the agents of the studio machines, and return the file that names them."""
    groups = []
    (folder / "salt").write_text("the same on every machine")
    for host, own in zip((STUDIO, OTHER_STUDIO), more, strict=True):
        home = folder / host
        config = _CONFIG.format(more=own, home=home, loki=loki_url) + app_source(home / "app.log", folder / "salt")
        started = running.enter_context(agent(home, config))
        address = started.url.removeprefix("http://")
        groups.append({"targets": [address], "labels": {"host": host, "role": "studio"}})
    file = folder / "agents.yml"
    file.write_text(yaml.safe_dump(groups))
    return str(file)


def _services(folder: Path, running: contextlib.ExitStack) -> Services:
    return Services(
        running.enter_context(exporters.postgres(folder)),
        running.enter_context(exporters.redis(folder)),
        running.enter_context(exporters.nginx(folder)),
        running.enter_context(exporters.redis(_folder(folder / CACHE))),
    )


def _watch(central: Stack, services: Services) -> None:
    central.watch("postgres", [(services.postgres.metrics, "postgresql", SERVER)])
    central.watch("redis", [(services.redis.metrics, "redis", SERVER), (services.cache.metrics, "redis", CACHE)])
    central.watch("nginx", [(services.nginx.metrics, "nginx", SERVER)])
    # An exporter that never responded counts as a service that is down.
    seen = 'count(up{job=~"postgres|redis|nginx"} == 1)'
    eventually(lambda: central.prometheus.value(seen) == _SERVICES, "each exporter is scraped")


_SERVICES = 4
"""The number of exporters."""


@contextlib.contextmanager
def _alive(one: App) -> Iterator[None]:
    """Write a line to the app's log at a short interval."""
    ended = threading.Event()

    def write() -> None:
        while not ended.wait(_HEARTBEAT_SECONDS):
            one.write("alive", [0])

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        ended.set()
        writer.join()


def _folder(path: Path) -> Path:
    path.mkdir()
    return path
