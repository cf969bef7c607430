"""The control socket: how commands on this machine reach the running agent, whatever guards its port.

A Unix socket in the state directory, for root and the agent's own user alone.
"""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

from collectors.peer_credentials import peer_uid

NAME = "control.sock"

_BACKLOG = 16


class ControlError(Exception):
    """There can be no control socket."""


def open_socket(directory: Path) -> socket.socket:
    """A listening socket in `directory`, which nobody but its owner may write to.

    Raises:
        ControlError: With the reason and what to do.
    """
    seen = directory.stat()
    if seen.st_uid not in (0, os.geteuid()) or seen.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise ControlError(
            f"expected {directory} to belong to root or to the agent's user and to be writable by nobody else, "
            f"found {stat.filemode(seen.st_mode)} of user {seen.st_uid}; try chmod go-w {directory}"
        )
    path = directory / NAME
    listening = socket.socket(socket.AF_UNIX)
    try:
        path.unlink(missing_ok=True)  # of an agent that was killed; the directory is held by this one
        listening.bind(str(path))
        path.chmod(0o600)
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        raise ControlError(f"cannot listen on {path}: {error}; set a shorter state_dir, or mend this one") from error
    return listening


def admit(connected: socket.socket) -> str | None:
    """The user at the other end, if it is root or the agent's own; nobody else has business here."""
    user = peer_uid(connected)
    return str(user) if user in (0, os.geteuid()) else None
