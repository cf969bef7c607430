"""Real receivers of remote write on loopback: Debian's Prometheus and VictoriaMetrics, which die and return."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.support.prometheus import free_port
from tests.support.waiting import PATIENCE, eventually

Series = dict[tuple[tuple[str, str], ...], list[tuple[int, str]]]
"""The samples of each series: milliseconds and the value as text."""


class WriteServer:
    """A server of remote write that keeps its port and its data over restarts."""

    def __init__(self, command: Sequence[str], port: int, ready: str, log: Path) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._command = command
        self._ready = ready
        self._log = log
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def write_url(self) -> str:
        """The URL of its receiver."""
        return f"{self.url}/api/v1/write"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        eventually(self._answers, f"the receiver is ready; see {self._log}")

    def kill(self) -> None:
        """End it by SIGKILL."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End it in an orderly way."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()

    def freeze(self) -> None:
        """Stop all its threads."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them go on."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def get(self, path: str, **query: str) -> Any:  # noqa: ANN401 - a document of JSON
        """Return the answer of its API."""
        url = f"{self.url}{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            return json.load(answer)

    def samples(self, selector: str, window: str = "30d", at: float | None = None) -> Series:
        """Return the raw samples of a selector within a window."""
        when = {} if at is None else {"time": str(at)}
        answer = self.get("/api/v1/query", query=f"{selector}[{window}]", **when)
        return {
            tuple(sorted(one["metric"].items())): [(round(at * 1000), value) for at, value in one["values"]]
            for one in answer["data"]["result"]
        }

    def value(self, expression: str) -> float | None:
        """Return the value of an instant query that gives one series, `None` if it gives none."""
        result = self.get("/api/v1/query", query=expression)["data"]["result"]
        assert len(result) <= 1, f"{expression} gives {len(result)} series"
        return float(result[0]["value"][1]) if result else None

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), urllib.request.urlopen(self.url + self._ready, timeout=2) as answer:
            return bool(answer.status == 200)
        return False


@contextlib.contextmanager
def write_receiver(folder: Path, *, out_of_order: str = "30d", lookback: str = "5m") -> Iterator[WriteServer]:
    """Yield a running Prometheus that receives remote write.

    Args:
        folder: For its files.
        out_of_order: The window in which it takes samples out of order; `0s` for none.
        lookback: The time for which it shows a last sample.
    """
    port = free_port()
    config = folder / "receiver.yml"
    config.write_text(f"storage: {{tsdb: {{out_of_order_time_window: {out_of_order}}}}}\n")
    command = [
        "prometheus",
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'receiver-data'}",
        "--storage.tsdb.retention.time=10y",
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.enable-remote-write-receiver",
        f"--query.lookback-delta={lookback}",
    ]
    yield from _running(WriteServer(command, port, "/-/ready", folder / "receiver.log"))


@contextlib.contextmanager
def victoria_metrics(folder: Path) -> Iterator[WriteServer]:
    """Yield a running VictoriaMetrics."""
    port = free_port()
    command = [
        "victoria-metrics",
        f"-storageDataPath={folder / 'victoria'}",
        f"-httpListenAddr=127.0.0.1:{port}",
        "-retentionPeriod=10y",
        "-search.latencyOffset=0s",
    ]
    yield from _running(WriteServer(command, port, "/health", folder / "victoria.log"))


def _running(server: WriteServer) -> Iterator[WriteServer]:
    server.start()
    try:
        yield server
    finally:
        server.stop()
