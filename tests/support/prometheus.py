"""A real Prometheus on loopback, and its answers."""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
import math
import os
import random
import socket
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.waiting import PATIENCE, eventually

Samples = dict[tuple[tuple[str, str], ...], dict[int, float]]
"""The values of each series, by their time in milliseconds."""

Points = dict[str, set[float]]
"""The times at which each series of a query over time has a value."""


def free_port() -> int:
    """Return a TCP port of loopback that was free at that moment, and that it will not return again soon.

    An outgoing connection of any program could take a port of the range that Linux gives to those.
    """
    for port in itertools.islice(_own_ports(), len(_PORTS) // _MOST_WORKERS):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("no port is free")


@functools.cache
def _own_ports() -> Iterator[int]:
    """Return an endless iterator over the ports of this test worker. It starts at a random one."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _MOST_WORKERS
    own = _PORTS[worker::_MOST_WORKERS]
    first = random.randrange(len(own))  # noqa: S311 - no secret
    return itertools.cycle([*own[first:], *own[:first]])


_PORTS = range(20_000, 32_000)
"""Below the range of outgoing connections of Linux."""
_MOST_WORKERS = 16


class Prometheus:
    """A running Prometheus."""

    def __init__(self, url: str) -> None:
        self.url = url

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the result of an instant query: series with their labels (`metric`) and value (`value`)."""
        answer = self._get(f"/api/v1/query?{urllib.parse.urlencode({'query': expression})}")
        result: list[dict[str, Any]] = answer["data"]["result"]
        return result

    def value(self, expression: str) -> float | None:
        """Return the value of an instant query that gives one series, `None` if it gives none yet."""
        result = self.query(expression)
        assert len(result) <= 1, f"{expression} gives {len(result)} series"
        return float(result[0]["value"][1]) if result else None

    def samples(self, selector: str, start: float, end: float) -> Samples:
        """Return the raw samples of a selector between two Unix times."""
        window = math.ceil(end - start) + 1
        asked = urllib.parse.urlencode({"query": f"{selector}[{window}s]", "time": f"{end:.3f}"})
        found: Samples = {}
        for one in self._get(f"/api/v1/query?{asked}")["data"]["result"]:
            values = {round(at * 1000): float(value) for at, value in one["values"] if start <= at <= end}
            if values:
                found[tuple(sorted(one["metric"].items()))] = values
        return found

    def points(self, expression: str, start: float, end: float, step: int) -> Points:
        """Return the times at which each series of a query over time has a value."""
        asked = {"query": expression, "start": f"{start:.3f}", "end": f"{end:.3f}", "step": step}
        answer = self._get(f"/api/v1/query_range?{urllib.parse.urlencode(asked)}")
        return {json.dumps(one["metric"]): {at for at, _ in one["values"]} for one in answer["data"]["result"]}

    def names(self) -> set[str]:
        """Return every metric name that it has stored."""
        return set(self._get("/api/v1/label/__name__/values")["data"])

    def metadata(self) -> dict[str, Any]:
        """Return type and help of every family by its name."""
        found: dict[str, Any] = self._get("/api/v1/metadata")["data"]
        return found

    def _get(self, path: str) -> dict[str, Any]:
        with urllib.request.urlopen(self.url + path, timeout=PATIENCE) as answer:
            document: dict[str, Any] = json.load(answer)
        return document

    def ready(self) -> bool:
        """Tell if it answers queries."""
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.url}/-/ready", timeout=PATIENCE) as answer:
            return bool(answer.status == 200)
        return False


@contextlib.contextmanager
def prometheus(folder: Path, *targets: str, how: str = "") -> Iterator[Prometheus]:
    """Yield a Prometheus that scrapes the targets (host:port) each second as the job `wr-agent`.

    `how` is further configuration of the job in YAML's flow form, such as `scheme: https`.
    """
    port = free_port()
    config = folder / "prometheus.yml"
    config.write_text(
        "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
        f"scrape_configs: [{{job_name: wr-agent, static_configs: [{{targets: {json.dumps(targets)}}}], {how}}}]\n"
    )
    log_file = folder / "prometheus.log"
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={config}",
                f"--storage.tsdb.path={folder / 'tsdb'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        server = Prometheus(f"http://127.0.0.1:{port}")
        eventually(server.ready, f"Prometheus is ready; see {log_file}")
        yield server
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
