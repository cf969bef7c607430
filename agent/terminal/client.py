"""Asks the agent that runs on this machine what it says of itself, on its control socket."""

from __future__ import annotations

import http.client
import pwd
import socket
from pathlib import Path

import msgspec

from agent.config.locations import state_directory
from agent.config.schema import Config
from agent.core.status import SCHEMA, Status
from agent.web.control_socket import NAME

TIMEOUT = 40.0
"""Seconds: the daemon may carry out its slow checks before it answers."""

_MAX_BYTES = 16 << 20


class NotRunningError(Exception):
    """No agent answers."""


class _ControlConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=TIMEOUT)
        self._path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def fetch(config: Config) -> Status:
    """The status of the agent that holds the state directory.

    Raises:
        NotRunningError: Nothing answers there, or nothing that this user may ask, or an agent of another version.
    """
    return _decoded(get(config, "/-/status"), state_directory(config) / NAME)


def get(config: Config, page: str) -> bytes:
    """One page of the agent that holds the state directory: `/-/status` or `/metrics`.

    Raises:
        NotRunningError: Nothing answers there, or nothing that this user may ask.
    """
    path = state_directory(config) / NAME
    connection = _ControlConnection(path)
    try:
        connection.request("GET", page)
        answer = connection.getresponse()
        body = answer.read(_MAX_BYTES)
    except PermissionError as error:
        raise NotRunningError(_forbidden(path)) from error
    except (OSError, http.client.HTTPException) as error:
        raise NotRunningError(f"no agent answers on {path}: {getattr(error, 'strerror', None) or error}") from error
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise NotRunningError(f"what answers on {path} is no wr-agent: HTTP {answer.status} for {page}")
    return body


def _forbidden(path: Path) -> str:
    user = _owner(path)
    return f"only root and the agent's user may ask on {path}; run it as: sudo -u {user} wr-agent …"


def _owner(path: Path) -> str:
    """The user whom the nearest folder belongs to that can be seen."""
    for folder in path.parents:
        try:
            return pwd.getpwuid(folder.stat().st_uid).pw_name
        except (OSError, KeyError):
            continue
    return "root"


def _decoded(body: bytes, path: Path) -> Status:
    try:
        status = msgspec.json.decode(body, type=Status)
    except msgspec.DecodeError as error:
        raise NotRunningError(f"what answers on {path} is no wr-agent of this version: {error}") from error
    if status.schema != SCHEMA:
        raise NotRunningError(f"the agent on {path} speaks status {status.schema}, this command {SCHEMA}; update one")
    return status
