"""Real PostgreSQL, Redis and Nginx with their real exporters, on free ports of loopback."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.support.prometheus import free_port
from tests.support.waiting import PATIENCE, eventually

_POSTGRES = Path("/usr/lib/postgresql")
_NGINX = """
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
daemon off;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{ listen 127.0.0.1:{port}; location /stub_status {{ stub_status; }} }}
}}
"""


class Watched(NamedTuple):
    """A service and the exporter that watches it.

    Attributes:
        server: The service's process.
        url: Where the service answers, as its exporter takes it.
        exporter: The exporter's process.
        metrics: Where the exporter answers.
    """

    server: subprocess.Popen[bytes]
    url: str
    exporter: subprocess.Popen[bytes]
    metrics: str


def page(url: str) -> str | None:
    """Return the page at this address, None while there is none."""
    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=PATIENCE) as answer:
        return str(answer.read().decode())
    return None


@contextlib.contextmanager
def process(
    command: Sequence[str | Path], folder: Path, env: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Yield a process that writes to a log in `folder`, and end it afterwards."""
    with (folder / f"{Path(command[0]).name}.log").open("ab") as log:
        started = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=os.environ | dict(env or {})
        )
    try:
        yield started
    finally:
        started.terminate()
        try:
            started.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


@contextlib.contextmanager
def redis(folder: Path) -> Iterator[Watched]:
    """Yield an empty Redis with its exporter."""
    port, exporter_port = free_port(), free_port()
    url = f"redis://127.0.0.1:{port}"
    server = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    exporter = ["prometheus-redis-exporter", "-redis.addr", url, "-web.listen-address", f"127.0.0.1:{exporter_port}"]
    with process(server, folder) as service, process(exporter, folder) as watcher:
        yield _up(Watched(service, url, watcher, f"http://127.0.0.1:{exporter_port}/metrics"), "redis_up 1")


@contextlib.contextmanager
def nginx(folder: Path) -> Iterator[Watched]:
    """Yield an Nginx that has only its status page, with its exporter."""
    port, exporter_port = free_port(), free_port()
    url = f"http://127.0.0.1:{port}/stub_status"
    config = folder / "nginx.conf"
    config.write_text(_NGINX.format(folder=folder, port=port))
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    with process([program, "-e", folder / "nginx.log", "-c", config], folder) as service:
        eventually(lambda: page(url), "Nginx answers")
        exporter = ["prometheus-nginx-exporter", "-nginx.scrape-uri", url]
        with process([*exporter, "-web.listen-address", f"127.0.0.1:{exporter_port}"], folder) as watcher:
            yield _up(Watched(service, url, watcher, f"http://127.0.0.1:{exporter_port}/metrics"), "nginx_up 1")


@contextlib.contextmanager
def postgres(folder: Path) -> Iterator[Watched]:
    """Yield a PostgreSQL with a new cluster, and its exporter. It refuses to run as root, and then has its own user."""
    port, exporter_port = free_port(), free_port()
    programs = max(_POSTGRES.glob("*/bin"))
    url = f"postgresql://postgres@127.0.0.1:{port}/postgres?sslmode=disable"
    exporter = ["prometheus-postgres-exporter", f"--web.listen-address=127.0.0.1:{exporter_port}"]
    with tempfile.TemporaryDirectory() as data:  # pytest's own folders are closed to other users
        as_user = _as_postgres(data)
        initdb = [*as_user, programs / "initdb", "-D", data, "-A", "trust", "-U", "postgres", "-N"]
        subprocess.run(initdb, check=True, capture_output=True, timeout=120, cwd="/")
        options = ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off"]
        server = [*as_user, programs / "postgres", "-D", data, "-p", str(port), *options]
        with process(server, folder) as service, process(exporter, folder, {"DATA_SOURCE_NAME": url}) as watcher:
            yield _up(Watched(service, url, watcher, f"http://127.0.0.1:{exporter_port}/metrics"), "pg_up 1")


def _as_postgres(data: str) -> list[str | Path]:
    if os.geteuid() != 0:
        return []
    shutil.chown(data, "postgres")
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]


def _up(watched: Watched, line: str) -> Watched:
    eventually(lambda: line in (page(watched.metrics) or "").splitlines(), f"{watched.metrics} says {line}")
    return watched
