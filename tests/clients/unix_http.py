"""HTTP over a Unix socket, as the agent asks for metrics."""

from __future__ import annotations

import http.client
import socket
from pathlib import Path

from tests.support.waiting import PATIENCE


def connect(path: Path) -> socket.socket:
    """Return a connected socket with a timeout."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(PATIENCE)
    try:
        connection.connect(str(path))
    except BaseException:
        connection.close()
        raise
    return connection


class UnixConnection(http.client.HTTPConnection):
    """A connection that is kept open between requests."""

    def __init__(self, path: Path) -> None:
        super().__init__("plugin", timeout=PATIENCE)
        self._path = path

    def connect(self) -> None:
        """Connect to the file instead of the host."""
        self.sock = connect(self._path)

    def ask(self, target: str = "/metrics", method: str = "GET") -> tuple[int, str]:
        """Status and text of one answer."""
        self.request(method, target)
        answer = self.getresponse()
        return answer.status, answer.read().decode()


def page(path: Path) -> str:
    """The metrics that are served at `path`, asked for once."""
    connection = UnixConnection(path)
    try:
        status, text = connection.ask()
    finally:
        connection.close()
    assert status == 200, text
    return text
