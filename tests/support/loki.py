"""A stand-in for Loki as a process of its own, with real HTTP, Loki's limits and answers, and faults on command.

`loki_store` has Loki's storage and answers, `loki_body` reads requests, `loki_server` is the process.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

PATIENCE = 30.0


class LokiEntry(NamedTuple):
    """One entry that was stored."""

    labels: dict[str, str]
    ns: int
    line: str
    metadata: dict[str, str]


class Loki:
    """A running stand-in. Options are those of `loki_server`, such as `counting=True` or `token="x"`."""

    def __init__(self, **options: str | float | bool) -> None:
        given = [f"--{name.replace('_', '-')}" + ("" if it is True else f"={it}") for name, it in options.items() if it]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.loki_server", *given],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.scheme = "https" if "cert" in options else "http"
        self.port = int(self._line())

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"{self.scheme}://localhost:{self.port}"

    def entries(self) -> list[LokiEntry]:
        """Return all stored entries, in the order of arrival within a stream."""
        return [LokiEntry(*entry) for entry in self._do("entries")]

    def lines(self) -> list[str]:
        """Return the text of all stored entries."""
        return [entry.line for entry in self.entries()]

    def requests(self) -> list[dict[str, Any]]:
        """Return each request that got an answer: `status`, `entries`, `streams`, `wire_bytes`, `headers`."""
        return list(self._do("requests"))

    def report(self) -> dict[str, int]:
        """Return the report of `Store.report`."""
        return dict(self._do("report"))

    def refused(self) -> dict[str, int]:
        """Return the entries that were refused and never stored, by reason."""
        return dict(self._do("refused"))

    def counted(self) -> dict[str, int]:
        """Return, in counting mode, `requests`, `entries` and `wire_bytes`."""
        return dict(self._do("counted"))

    def concurrency(self) -> dict[str, int]:
        """Return `most_at_once` concurrent requests, and `overlaps` of them for a stream that had one in progress."""
        return dict(self._do("concurrency"))

    def fault(self, kind: str, **more: object) -> None:
        """Start a fault: see `loki_server.Fault`."""
        self._do("fault", kind=kind, **more)

    def well(self) -> None:
        """End the fault."""
        self._do("fault")

    def down(self) -> None:
        """Break all connections and stop listening."""
        self._do("down")

    def up(self) -> None:
        """Listen again, on the same port."""
        self._do("up")

    def limits(self, **limits: float) -> None:
        """Change limits: see `loki_store.Limits`."""
        self._do("limits", **limits)

    def forget(self) -> None:
        """Start with an empty store."""
        self._do("forget")

    def stop(self) -> None:
        """End the process."""
        with contextlib.suppress(OSError):
            self._pipe(self.process.stdin).close()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._pipe(self.process.stdout).close()

    def _do(self, what: str, **more: object) -> Any:  # noqa: ANN401 - each command has its own answer
        stdin = self._pipe(self.process.stdin)
        stdin.write(msgspec.json.encode({"do": what, **more}) + b"\n")
        stdin.flush()
        return msgspec.json.decode(self._line())

    def _line(self) -> bytes:
        line: bytes = self._pipe(self.process.stdout).readline()
        if not line:
            raise AssertionError(f"the Loki stand-in ended with {self.process.wait()}")
        return line

    @staticmethod
    def _pipe(pipe: Any) -> Any:  # noqa: ANN401 - Popen's pipes are optional by type, and always there here
        return pipe


@contextlib.contextmanager
def loki(**options: str | float | bool) -> Iterator[Loki]:
    """Yield a stand-in that serves, and end it afterwards."""
    running = Loki(**options)
    try:
        yield running
    finally:
        running.stop()
