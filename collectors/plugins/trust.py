"""The trust in directories, sockets and processes, and the identity of a process.

Trusted users are root, the agent's own, and those of `plugins.users`. A directory is trusted if it and all its parents
belong to trusted users and no other user can replace them: each that group or others may write to is sticky. A socket
is trusted if it is a socket, no link of either kind, and belongs to a trusted user. Its process is trusted if the
kernel says that a trusted user runs it.
"""

from __future__ import annotations

import os
import pwd
import shlex
import socket
import stat
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from collectors.peer_credentials import peer_pid, peer_uid
from collectors.plugins.refusals import Reason, RefusedError

_OWN_SOCKET = "let the plugin create a socket of its own there, without a second name"


class Process(NamedTuple):
    """A process, distinct from earlier and later ones with the same number.

    Attributes:
        pid: Its number; 0 if it lives in another pid namespace.
        start: Its start in a unit of the system's own; 0 if that cannot be read.
    """

    pid: int
    start: float


class Problem(NamedTuple):
    """A reason for distrust, and its remedy."""

    detail: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Trust:
    """The trusted users.

    Attributes:
        uids: Numbers of the trusted users.
        unknown: Users in the configuration that do not exist here.
    """

    uids: frozenset[int]
    unknown: tuple[str, ...] = ()

    @classmethod
    def of(cls, users: Iterable[str]) -> Trust:
        """Return the trust in root, the agent's own user, and these users by name or number."""
        known = {user: _uid(user) for user in users}
        uids = {0, os.geteuid(), *(uid for uid in known.values() if uid is not None)}
        return cls(frozenset(uids), tuple(user for user, uid in known.items() if uid is None))

    def directory_problem(self, path: Path) -> Problem | None:
        """Return why the directory is not trusted; None if it is.

        Raises:
            OSError: It does not exist or cannot be inspected.
        """
        real = path.resolve(strict=True)
        if path.is_symlink():
            return Problem(f"{path} is a symbolic link", f"directories = [{str(real)!r}] in the section [plugins]")
        return next(filter(None, (self._place_problem(place) for place in (real, *real.parents))), None)

    def socket_problem(self, path: str, status: os.stat_result) -> Problem | None:
        """Return why the agent must not connect to the file; None if it may.

        Args:
            path: Its path.
            status: Its own status, not that of a link's target.
        """
        if stat.S_ISLNK(status.st_mode):
            return Problem(f"{path} is a symbolic link, which may lead to another service's socket", _OWN_SOCKET)
        if not stat.S_ISSOCK(status.st_mode):
            return Problem(f"{path} is not a socket", f"rm {shlex.quote(path)}")
        if status.st_nlink > 1:
            return Problem(f"{path} has a second name, so it may be another service's socket", _OWN_SOCKET)
        return self._owner_problem(path, status.st_uid)

    def check_peer(self, peer: socket.socket) -> None:
        """Check that a trusted user runs the listening process.

        Raises:
            RefusedError: Another user runs it.
            OSError: The kernel reports no user.
        """
        if problem := self._owner_problem("the process that listens", peer_uid(peer)):
            raise RefusedError(Reason.UNTRUSTED_PEER, f"{problem.detail}; {problem.remedy}")

    def _place_problem(self, place: Path) -> Problem | None:
        status = place.lstat()
        if not stat.S_ISDIR(status.st_mode):
            return Problem(f"{place} is not a directory", "name the directory of the sockets in plugins.directories")
        if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not status.st_mode & stat.S_ISVTX:
            mode = f"{stat.S_IMODE(status.st_mode):04o}"
            remedy = f"chmod go-w {shlex.quote(str(place))}  # or chmod +t, if others create sockets there too"
            return Problem(f"{place} is writable by others (mode {mode}) and not sticky", remedy)
        return self._owner_problem(str(place), status.st_uid)

    def _owner_problem(self, what: str, uid: int) -> Problem | None:
        if uid in self.uids:
            return None
        name = _name(uid)
        user = f"{name} ({uid})" if name != str(uid) else name
        remedy = f'users = ["{name}"]  # in the section [plugins], if you trust this user'
        return Problem(f"{what} belongs to user {user}, which is not trusted", remedy)


def listening_process(peer: socket.socket) -> Process:
    """Return the process at the other end of a connection: the one that called listen(2)."""
    pid = peer_pid(peer)
    return Process(pid, start_of(pid))


def start_of(pid: int) -> float:
    """Return the start of a process in a unit of the system's own; 0 if no such process exists."""
    try:
        if sys.platform == "linux":
            # proc(5): the name in parentheses may hold anything; the start, in ticks since boot, is the 20th after it.
            return float(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[19])
        import psutil

        return float(psutil.Process(pid).create_time())
    except Exception:  # noqa: BLE001 - it ended or is unreadable; each system reports that differently
        return 0.0


def _uid(user: str) -> int | None:
    if user.isdecimal():
        return int(user)
    try:
        return pwd.getpwnam(user).pw_uid
    except KeyError:
        return None


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
