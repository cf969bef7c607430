"""The cost of hostile peers and files to a legitimate scrape of the agent, next to a quiet baseline of the same run.

Run: python -m bench.attacks [ATTACK]…

A real agent with passwords, a log source and a plugin directory serves on loopback. A good scraper keeps one connection
and asks for a page every 30 ms. Each attack runs in a process of its own for 5 s. Targets on a quiet machine with two
cores: p99 of at most 250 ms, no failed scrape, no exit, at most 30 MiB of growth and 50 log lines in each attack.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import multiprocessing
import os
import random
import signal
import socket
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import bcrypt

from bench.processes import rss_mib
from bench.table import machine, table
from tests.support.agent import AgentProcess, agent

SECONDS = 5.0
INTERVAL = 0.03
GOOD_ADDRESS = "127.0.0.2"
"""The scraper's own address, since callers of one address share limits."""
P99_TARGET = 0.25
GROWTH_TARGET = 30.0
LOG_TARGET = 50

USER, PASSWORD = "prometheus", "secret"
LOGIN = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()

HEAD = b"Host: 127.0.0.1\r\n"
POST = b"POST /metrics HTTP/1.1\r\n" + HEAD
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n"


@dataclass(frozen=True, slots=True)
class Target:
    """The agent under attack: its port, its process, and the files that it reads."""

    port: int
    pid: int
    config: Path
    log: Path
    plugins: Path
    until: float

    @property
    def is_on(self) -> bool:
        """True until the attack must end."""
        return time.monotonic() < self.until

    def connect(self) -> socket.socket:
        """Open a connection to the agent."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=2)


Attack = Callable[[Target], None]


def _send(target: Target, data: bytes) -> None:
    """Send data on a new connection, and read until the agent closes it or 2 s pass."""
    with contextlib.suppress(OSError), target.connect() as peer:
        peer.sendall(data)
        while peer.recv(65536):
            pass


def _repeat(data: bytes, connections: int = 4) -> Attack:
    """Return an attack that sends the data on several connections, repeatedly."""

    def attack(target: Target) -> None:
        def send() -> None:
            while target.is_on:
                _send(target, data)

        _together(send, connections)

    return attack


def _together(work: Callable[[], None], count: int) -> None:
    threads = [threading.Thread(target=work, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def bomb(coding: str) -> bytes:
    """Return a request with 1.5 GB of zeros as 1.5 MB of gzip or deflate."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = deflater.compress(bytes(1 << 20)) + deflater.flush(zlib.Z_FULL_FLUSH)  # blocks that can follow each other
    start = bytes.fromhex("1f8b0800000000000003" if coding == "gzip" else "789c")
    body = start + block * 1500
    return POST + f"Content-Encoding: {coding}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def _hold(data: bytes, then: bytes = b"") -> Attack:
    """Return an attack that opens connections, sends data, and then sends more of it slowly without reading."""

    def attack(target: Target) -> None:
        peers: list[socket.socket] = []
        while target.is_on:
            with contextlib.suppress(OSError):
                peers.append(target.connect())
                peers[-1].sendall(data)
            for peer in peers[-100:]:
                with contextlib.suppress(OSError):
                    peer.sendall(then)
            time.sleep(0.01)

    return attack


def _guess(target: Target) -> None:
    number = 0

    def guess() -> None:
        nonlocal number
        while target.is_on:
            number += 1
            wrong = base64.b64encode(f"{USER}:{number}".encode())
            _send(
                target,
                b"GET /metrics HTTP/1.1\r\n"
                + HEAD
                + b"Connection: close\r\nAuthorization: Basic "
                + wrong
                + b"\r\n\r\n",
            )

    _together(guess, 8)


def _garbage(target: Target) -> None:
    source = random.Random(1)  # noqa: S311 - the same noise each time
    while target.is_on:
        _send(target, source.randbytes(source.randrange(1, 5000)) + b"\r\n\r\n")


def _connections(target: Target) -> None:
    while target.is_on:
        with contextlib.suppress(OSError):
            target.connect().close()


def _scrapers(target: Target) -> None:
    def scrape() -> None:
        number = 0
        while target.is_on:
            number += 1
            query = f"collect[]={('cpu', 'meminfo', 'host', 'agent')[number % 4]}"
            _send(
                target,
                f"GET /metrics?{query} HTTP/1.1\r\nConnection: close\r\nAuthorization: {LOGIN}\r\n".encode()
                + HEAD
                + b"\r\n",
            )

    _together(scrape, 4)


def _foreign_names(target: Target) -> None:
    request = f"GET /metrics HTTP/1.1\r\nHost: rebound.example\r\nAuthorization: {LOGIN}\r\nConnection: close\r\n\r\n"
    while target.is_on:
        with contextlib.suppress(OSError), target.connect() as peer:
            peer.sendall(request.encode())
            if b" 421 " not in peer.recv(64):
                raise SystemExit("a foreign Host header was answered")


def _reload(text: str) -> Attack:
    """Return an attack that has the agent read an unusable configuration twice a second."""

    def attack(target: Target) -> None:
        good = target.config.read_text()
        target.config.write_text(text.replace("FOLDER", str(target.config.parent)))
        while target.is_on:
            os.kill(target.pid, signal.SIGHUP)
            time.sleep(0.5)
        target.config.write_text(good)
        os.kill(target.pid, signal.SIGHUP)
        time.sleep(1)

    return attack


def _hostile_plugins(target: Target) -> None:
    """Serve plugin sockets that hang, drip, flood and send noise."""
    flood = b"HTTP/1.0 200 OK\r\n\r\n" + b"".join(b"x_%d 1\n" % number for number in range(100_000))
    answers = (b"", b"HTTP/1.0 200 OK\r\n\r\n" + b"a", flood, random.Random(2).randbytes(100_000))  # noqa: S311 - noise

    def serve(listening: socket.socket, answer: bytes) -> None:
        kept = []
        while target.is_on:
            with contextlib.suppress(OSError):
                peer, _ = listening.accept()
                kept.append(peer)
                peer.setblocking(False)
                peer.send(answer)

    with contextlib.ExitStack() as opened:
        threads = []
        for number in range(40):
            listening = opened.enter_context(socket.socket(socket.AF_UNIX))
            listening.bind(str(target.plugins / f"hostile{number}.{os.getpid()}.sock"))
            listening.listen()
            listening.settimeout(0.5)
            threads.append(threading.Thread(target=serve, args=(listening, answers[number % 4])))
            threads[-1].start()
        for thread in threads:
            thread.join()
    for path in target.plugins.iterdir():
        path.unlink()


def _lines(line: bytes) -> Attack:
    """Return an attack that writes a hundred hostile log lines each tenth of a second."""

    def attack(target: Target) -> None:
        while target.is_on:
            with target.log.open("ab") as file:
                file.write((line + b"\n") * 100)
            time.sleep(0.1)

    return attack


ATTACKS: dict[str, Attack] = {
    "gzip bomb": _repeat(bomb("gzip")),
    "deflate bomb": _repeat(bomb("deflate")),
    "1-byte chunks": _repeat(CHUNKED + b"\r\n" + b"1\r\nx\r\n" * 200_000),
    "bad gzip": _repeat(CHUNKED + b"Content-Encoding: gzip\r\n\r\n9\r\nnot gzip!\r\n0\r\n\r\n"),
    "endless body": _repeat(POST + b"Content-Length: 99999999999\r\n\r\n" + bytes(4 << 20)),
    "upgrade flood": _repeat(
        b"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: x\r\n" + HEAD + b"\r\n" + bytes(4 << 20)
    ),
    "large heads": _repeat(b"GET / HTTP/1.1\r\n" + HEAD + b"X: " + b"y" * 200_000),
    "pipelined": _repeat((b"GET /-/healthy HTTP/1.1\r\n" + HEAD + b"\r\n") * 20_000, connections=2),
    "slow heads": _hold(b"GET /metrics HTTP/1.1\r\n" + HEAD, then=b"X: y\r\n"),
    "deaf readers": _hold(f"GET /metrics HTTP/1.1\r\nAuthorization: {LOGIN}\r\n".encode() + HEAD + b"\r\n"),
    "garbage": _garbage,
    "connections": _connections,
    "scrape storm": _scrapers,
    "foreign Host": _foreign_names,
    "deep TOML": _reload("x = " + "[" * 100_000),
    "YAML alias": _reload('web.config_file = "FOLDER/bomb.yml"'),
    "FIFO": _reload('web.config_file = "FOLDER/fifo"'),
    "endless file": _reload('web.config_file = "/dev/zero"'),
    "hostile plugins": _hostile_plugins,
    "nested groups": _lines(b"a" * 60 + b"!"),
    "brackets": _lines(b"[" * 4096),
    "long lines": _lines(b"x" * 100_000),
    "wrong passwords": _guess,
}
"""The attacks by name."""


@dataclass
class Scraper:
    """The legitimate scraper of one run."""

    port: int
    waits: list[float] = field(default_factory=list)
    failed: int = 0

    def run(self, until: Callable[[], bool]) -> None:
        """Scrape until the condition holds."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20, source_address=(GOOD_ADDRESS, 0))
        while not until():
            started = time.perf_counter()
            try:
                self.failed += _scrape(connection) != 200  # noqa: PLR2004 - HTTP's own
            except (OSError, http.client.HTTPException):
                self.failed += 1
            self.waits.append(time.perf_counter() - started)
            time.sleep(INTERVAL)
        connection.close()

    def quantile(self, share: float) -> float:
        """Return a quantile of the waits in seconds."""
        ordered = sorted(self.waits)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def _scrape(connection: http.client.HTTPConnection) -> int:
    """Return the status of one scrape; like Go's client, retry once if a kept connection has been closed."""
    kept = connection.sock is not None
    try:
        connection.request("GET", "/metrics", headers={"Authorization": LOGIN, "Accept-Encoding": "gzip"})
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException):
        connection.close()
        if not kept:
            raise
        return _scrape(connection)
    return answer.status


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one attack."""

    name: str
    scraper: Scraper
    growth: float
    log_lines: int
    state: str

    @property
    def is_good(self) -> bool:
        """True if every target is met."""
        fast = self.scraper.quantile(0.99) <= P99_TARGET
        return fast and not self.scraper.failed and self.is_bounded

    @property
    def is_bounded(self) -> bool:
        """True if every target but that of time is met."""
        return self.state == "serves" and self.growth <= GROWTH_TARGET and self.log_lines <= LOG_TARGET

    def row(self) -> list[str]:
        """Return the cells of the table."""
        times = [
            f"{1000 * it:.1f}"
            for it in (self.scraper.quantile(0.5), self.scraper.quantile(0.99), max(self.scraper.waits))
        ]
        verdict = "ok" if self.is_good else "MISSED"
        numbers = [str(len(self.scraper.waits)), str(self.scraper.failed), f"{self.growth:+.1f}", str(self.log_lines)]
        return [self.name, *times, *numbers, self.state, verdict]


HEADER = ("attack", "p50 ms", "p99 ms", "max ms", "scrapes", "failed", "MiB", "log lines", "agent", "targets")


def run(names: Iterable[str], seconds: float = SECONDS) -> Iterator[Outcome]:
    """Run attacks one after another against one agent; yield the quiet baseline first."""
    with (
        tempfile.TemporaryDirectory() as folder,
        _loki() as loki,
        agent(_prepared(Path(folder)), _config(folder, loki)) as it,
    ):
        _warm_up(it)
        yield _outcome(it, "quiet", None, seconds)
        for name in names:
            yield _outcome(it, name, ATTACKS[name], seconds)


def _outcome(it: AgentProcess, name: str, attack: Attack | None, seconds: float) -> Outcome:
    before, lines = rss_mib(it.process.pid), it.log().count("\n")
    scraper = Scraper(_port(it))
    end = time.monotonic() + seconds
    target = Target(_port(it), it.process.pid, it.config_file, it.folder / "app.log", it.folder / "plugins", end)
    attacker = (
        multiprocessing.get_context("fork").Process(target=attack, args=(target,), daemon=True) if attack else None
    )
    if attacker:
        attacker.start()
    scraper.run(lambda: time.monotonic() >= end and not (attacker and attacker.is_alive()))
    if attacker:
        attacker.join()
    state = "serves" if it.process.poll() is None else f"ended with {it.process.returncode}"
    if attacker and attacker.exitcode:
        state = "misled"
    growth = rss_mib(it.process.pid) - before if it.process.poll() is None else 0.0
    return Outcome(name, scraper, growth, it.log().count("\n") - lines, state)


def _port(it: AgentProcess) -> int:
    return int(it.url.rsplit(":", 1)[1])


def _prepared(folder: Path) -> Path:
    """Make the files that the agent and the attacks read."""
    (folder / "plugins").mkdir()
    (folder / "app.log").touch()
    os.mkfifo(folder / "fifo")
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(10)).decode()
    (folder / "web.yml").write_text(f"basic_auth_users: {{{USER}: '{hashed}'}}\n")
    levels = zip("abcdefgh", "bcdefghi", strict=True)
    aliases = (f"{name}: &{name} [{','.join([f'*{before}'] * 10)}]\n" for before, name in levels)
    (folder / "bomb.yml").write_text("a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(aliases))
    return folder


def _config(folder: str, loki: str) -> str:
    return f"""
web.config_file = "{folder}/web.yml"
plugins = {{ directories = ["{folder}/plugins"], interval = "1s" }}
loki.url = "{loki}"
[[logs.sources]]
name = "app"
paths = ["{folder}/app.log"]
stages = [
  {{ regex = {{ pattern = '^(?P<x>(a+)+)$' }} }},
  {{ regex = {{ pattern = '^(?P<a>[^ ]*) \\[(?P<b>[^\\]]*)\\] "(?P<c>[^"]*)"' }} }},
]
"""


def _warm_up(it: AgentProcess) -> None:
    scraper = Scraper(_port(it))
    end = time.monotonic() + 3
    scraper.run(lambda: time.monotonic() >= end)


class _Loki(BaseHTTPRequestHandler):
    """A stand-in of Loki that accepts everything."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@contextlib.contextmanager
def _loki() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Loki) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def main(names: list[str]) -> int:
    """Run the named attacks, or all; return 1 if a target is missed."""
    unknown = [name for name in names if name not in ATTACKS]
    if unknown:
        print(f"unknown attack: {', '.join(unknown)}; expected some of {', '.join(ATTACKS)}", file=sys.stderr)
        return 2
    outcomes = list(run(names or ATTACKS))
    print(f"{machine()}; {SECONDS:g} s each")
    print(table(HEADER, [it.row() for it in outcomes]))
    return 0 if all(it.is_good for it in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
