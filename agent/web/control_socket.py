"""The control socket, by which commands on this machine reach the running agent without the TCP port.

A Unix socket in the state directory. Only root and the agent's user may connect.
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
    """The control socket cannot be opened."""


def open_socket(directory: Path) -> socket.socket:
    """Return a listening socket in `directory`, which only its owner may write.

    Raises:
        ControlError: With the reason and the fix.
    """
    seen = directory.stat()
    if seen.st_uid not in (0, os.geteuid()) or seen.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise ControlError(
            f"expected {directory} to belong to root or to the agent's user and to be writable only by it, "
            f"found {stat.filemode(seen.st_mode)} of user {seen.st_uid}; try chmod go-w {directory}"
        )
    path = directory / NAME
    listening = socket.socket(socket.AF_UNIX)
    try:
        path.unlink(missing_ok=True)  # left by a killed agent; this agent holds the directory
        listening.bind(str(path))
        path.chmod(0o600)
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        raise ControlError(f"cannot listen on {path}: {error}; set a shorter state_dir, or fix this one") from error
    return listening


def admit(connected: socket.socket) -> str | None:
    """Return the user at the other end if it is root or the agent's user; else `None`."""
    user = peer_uid(connected)
    return str(user) if user in (0, os.geteuid()) else None
