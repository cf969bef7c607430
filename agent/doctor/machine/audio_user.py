"""The audio user: the user of the running sound server, else of this process; with resource limits."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from agent.doctor.machine.user import User, current, of_process
from collectors.host import audio_servers
from collectors.kernel_files import read_text

_FIRST_HUMAN = 1000  # login.defs(5): below it are services, such as the sound server of a login screen


@dataclass(frozen=True, slots=True)
class Limits:
    """The resource limits of a process (proc_pid_limits(5)); infinite means unlimited.

    Attributes:
        priority: The highest real-time priority, 0 for none.
        locked_bytes: The memory that the process may lock.
    """

    priority: float
    locked_bytes: float


@dataclass(frozen=True, slots=True)
class AudioUser:
    """The audio user.

    Attributes:
        user: The user.
        server: The name of the sound server that this user runs; empty without one.
        limits: The limits of the server, or of this process; `None` if unreadable.
    """

    user: User
    server: str
    limits: Limits | None

    def __str__(self) -> str:
        return f"{self.server} of user {self.user.name}" if self.server else f"user {self.user.name}"


def parse_limits(text: str) -> Limits:
    """Return the soft limits in the text of /proc/PID/limits."""
    lines = text.splitlines()
    return Limits(_soft(lines, "Max realtime priority"), _soft(lines, "Max locked memory"))


def audio_user(root: Path) -> AudioUser:
    """Return the audio user of the machine with its files under `root`; people take precedence over services."""
    proc = root / "proc"
    found = [it for it in (_serving(proc, pid) for pid in audio_servers.servers(proc)) if it]
    asking = AudioUser(current(), "", _limits(proc, "self"))
    return min(found, key=lambda it: (it.user.uid < _FIRST_HUMAN, it.server), default=asking)


def _serving(proc: Path, pid: str) -> AudioUser | None:
    user = of_process(proc, pid)
    try:
        server = read_text(proc / pid / "comm").strip()
    except OSError:  # the process has ended
        return None
    return AudioUser(user, server, _limits(proc, pid)) if user and server in audio_servers.RENDERING else None


def _limits(proc: Path, pid: str) -> Limits | None:
    try:
        return parse_limits(read_text(proc / pid / "limits"))
    except OSError:  # another user's
        return None


def _soft(lines: list[str], name: str) -> float:
    for line in lines:
        if line.startswith(name):
            word = line.removeprefix(name).split()[0]
            return math.inf if word == "unlimited" else float(word)
    return math.inf
