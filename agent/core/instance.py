"""The lock that allows one agent for each state directory, and names the running agent's address."""

from __future__ import annotations

import fcntl
import os
import threading
from pathlib import Path

import msgspec

from collectors import regular_file

FILE = "agent.lock"

_MAX_BYTES = 4096


class Running(msgspec.Struct, frozen=True):
    """The agent that holds a state directory.

    Attributes:
        pid: Its process.
        url: Its address on this machine, without a trailing slash; empty if it listens on no port.
    """

    pid: int
    url: str


class HeldError(Exception):
    """Another agent holds the state directory."""

    def __init__(self, directory: Path, holder: Running | None) -> None:
        where = f", at {holder.url}" if holder and holder.url else ""
        who = f"the agent with pid {holder.pid}{where}" if holder else "another agent"
        super().__init__(
            f"the state directory {directory} is in use by {who}; stop that one, or set another state_dir for this one"
        )


class Instance:
    """A locked state directory. The lock ends with `release()` or the process.

    Raises:
        HeldError: Another agent holds it.
        OSError: The directory cannot be created or written.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(mode=0o750, parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        opened = os.open(directory / FILE, flags, 0o640)
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(opened)
            raise HeldError(directory, running(directory)) from error
        self._fd: int | None = opened
        self._in_use = threading.Lock()

    def announce(self, url: str) -> None:
        """Write this agent's address to the lock file, unless it is released. Blocks on the disk, in any thread.

        Raises:
            OSError: The file cannot be written.
        """
        text = msgspec.json.encode(Running(os.getpid(), url)) + b"\n"
        with self._in_use:
            if self._fd is not None:
                os.ftruncate(self._fd, 0)
                os.pwrite(self._fd, text, 0)

    def release(self) -> None:
        """Release the directory for another agent."""
        with self._in_use:
            if self._fd is not None:
                os.ftruncate(self._fd, 0)
                os.close(self._fd)
                self._fd = None


def running(directory: Path) -> Running | None:
    """Return the agent that holds `directory`; `None` if its process is gone."""
    import psutil

    try:
        said = msgspec.json.decode(regular_file.read(directory / FILE, _MAX_BYTES), type=Running)
    except (OSError, msgspec.DecodeError, RecursionError):
        return None
    return said if psutil.pid_exists(said.pid) else None
