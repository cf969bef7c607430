"""The client of the running agent's control socket."""

from __future__ import annotations

import asyncio
import pwd
from pathlib import Path

import msgspec

from agent.config.locations import state_directory
from agent.config.schema import Config
from agent.core.status import SCHEMA, Status
from agent.web.control_socket import NAME
from collectors.unix_http import ResponseError, get_once

TIMEOUT = 40.0
"""Seconds; the daemon may run its slow checks before it answers."""

_MAX_BYTES = 16 << 20


class NotRunningError(Exception):
    """No agent answers."""


def fetch(config: Config) -> Status:
    """Return the status of the agent that holds the state directory.

    Raises:
        NotRunningError: No agent answers, this user may not ask it, or its version differs.
    """
    return _decoded(get(config, "/-/status"), state_directory(config) / NAME)


def get(config: Config, page: str) -> bytes:
    """Return a page of the agent that holds the state directory, such as `/-/status`.

    Raises:
        NotRunningError: No agent answers, or this user may not ask it.
    """
    path = state_directory(config) / NAME
    try:
        return asyncio.run(_body(path, page))
    except PermissionError as error:
        raise NotRunningError(_forbidden(path)) from error
    except TimeoutError as error:
        raise NotRunningError(f"no agent answers on {path} within {TIMEOUT:g} s") from error
    except OSError as error:
        raise NotRunningError(f"no agent answers on {path}: {error.strerror or type(error).__name__}") from error
    except ResponseError as error:
        raise NotRunningError(f"expected a wr-agent on {path}, found another program: {error}") from error


async def _body(path: Path, page: str) -> bytes:
    async with asyncio.timeout(TIMEOUT):
        return await get_once(str(path), page, _MAX_BYTES)


def _forbidden(path: Path) -> str:
    user = _owner(path)
    return f"only root and the agent's user may use {path}; run it as: sudo -u {user} wr-agent …"


def _owner(path: Path) -> str:
    """Return the owner of the nearest visible folder."""
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
        raise NotRunningError(f"expected a wr-agent of this version on {path}: {error}") from error
    if status.schema != SCHEMA:
        raise NotRunningError(f"expected status schema {SCHEMA} on {path}, found {status.schema}; update both")
    return status
