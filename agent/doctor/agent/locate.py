"""The running agent on this machine: its control socket, user and state directory."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from agent.config.locations import state_directory
from agent.config.schema import Config
from agent.core.status import Status
from agent.doctor.machine.user import User, current, named, of_process
from agent.terminal import client
from agent.terminal.client import NotRunningError

T = TypeVar("T")

_MACHINES = Path("/var/lib/wr-agent")
_UNITS = (Path("etc/systemd/system/wr-agent.service"), Path("usr/lib/systemd/system/wr-agent.service"))
"""The unit of `wr-agent service install`, and that of the Debian package, which the first one overrides."""


def ask(config: Config) -> tuple[Status, Config]:
    """Return the status of the running agent, and `config` with that agent's state directory.

    The configured directory is tried first, then the default ones.

    Raises:
        NotRunningError: No agent answers. A permission error takes precedence as the reason.
    """
    return _first(config, client.fetch)


def get(config: Config, page: str) -> tuple[bytes, Config]:
    """Return a page of the running agent, as `ask` does its status.

    Raises:
        NotRunningError: No agent answers. A permission error takes precedence as the reason.
    """
    return _first(config, lambda place: client.get(place, page))


def places(config: Config) -> list[Config]:
    """Return the configuration, and itself with each usual state directory."""
    return [config, *(msgspec.structs.replace(config, state_dir=str(place)) for place in _usual(config))]


def _first(config: Config, answer: Callable[[Config], T]) -> tuple[T, Config]:
    errors = []
    for place in places(config):
        try:
            return answer(place), place
        except NotRunningError as error:
            errors.append(error)
    raise next(filter(is_forbidden, errors), errors[0])


def is_forbidden(error: NotRunningError) -> bool:
    """Return True if this user may not ask the agent, which may be running."""
    return isinstance(error.__cause__, PermissionError)


def _usual(config: Config) -> Iterator[Path]:
    """Yield the state directories of the service managers, unless the configuration names one."""
    if config.state_dir or sys.platform == "darwin":
        return
    yield _MACHINES
    # Where systemd before version 254 puts a user service's state.
    yield Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "wr-agent"


def daemons_user(status: Status | None, root: Path) -> User:
    """Return the user of the running agent, else of the installed service, else of this process."""
    if status is not None:
        return of_process(root / "proc", status.pid) or current()
    return _service_user(root) or current()


def daemons_state(config: Config, root: Path) -> Path:
    """Return the state directory of the installed service, else that of this configuration."""
    return _MACHINES if not config.state_dir and _service_user(root) else state_directory(config).absolute()


def _service_user(root: Path) -> User | None:
    for unit in _UNITS:
        try:
            lines = (root / unit).read_text().splitlines()
        except OSError:
            continue
        users = [line.removeprefix("User=").strip() for line in lines if line.startswith("User=")]
        return named(users[-1]) if users else None
    return None
