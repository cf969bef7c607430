"""Who plays on this machine: the user of the sound server that runs, else the one who asks; and that user's limits."""

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
    """What the kernel lets a process have (proc_pid_limits(5)); infinite where there is no limit.

    Attributes:
        priority: The highest real-time priority, 0 for none.
        locked_bytes: How much memory may be kept from being swapped out.
    """

    priority: float
    locked_bytes: float


@dataclass(frozen=True, slots=True)
class AudioUser:
    """Who plays.

    Attributes:
        person: The user.
        server: The name of the sound server that this user runs; empty without one.
        limits: What holds for the server, or for whoever asks; `None` where that cannot be read.
    """

    person: User
    server: str
    limits: Limits | None

    def __str__(self) -> str:
        return f"{self.server} of user {self.person.name}" if self.server else f"user {self.person.name}"


def parse_limits(text: str) -> Limits:
    """The soft limits of one process."""
    lines = text.splitlines()
    return Limits(_soft(lines, "Max realtime priority"), _soft(lines, "Max locked memory"))


def player(root: Path) -> AudioUser:
    """Who plays on the machine whose files are under `root`; people go before services."""
    proc = root / "proc"
    found = [it for it in (_serving(proc, pid) for pid in audio_servers.servers(proc)) if it]
    asking = AudioUser(current(), "", _limits(proc, "self"))
    return min(found, key=lambda it: (it.person.uid < _FIRST_HUMAN, it.server), default=asking)


def _serving(proc: Path, pid: str) -> AudioUser | None:
    person = of_process(proc, pid)
    try:
        server = read_text(proc / pid / "comm").strip()
    except OSError:  # ended while we looked
        return None
    return AudioUser(person, server, _limits(proc, pid)) if person and server in audio_servers.RENDERING else None


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
