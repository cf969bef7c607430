"""Whom the agent listens to: which directories, sockets and processes are trustworthy, and who a process is.

Trusted users are root, the agent's own, and those of `plugins.users`. A directory is trustworthy if it and all that it
lies in belong to trusted users, and nobody else may put something else in their place: whatever group or others may
write to has the sticky bit. A socket is trustworthy if it is a socket, no link of either kind, and belongs to a trusted
user; its process, if the kernel says that a trusted user runs it.
"""

from __future__ import annotations

import os
import pwd
import shlex
import socket
import stat
import struct
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from collectors.plugins.refusals import Reason, RefusedError

_UCRED = struct.Struct("3i")  # unix(7): pid, uid, gid
_SOL_LOCAL, _LOCAL_PEERCRED, _LOCAL_PEERPID = 0, 1, 2  # macOS: sys/un.h
_XUCRED = struct.Struct("2I")  # macOS: sys/ucred.h begins with the version and the user
_OWN_SOCKET = "let the plugin make a socket of its own there, with no other name"


class Process(NamedTuple):
    """A process, told from every other that had or will have its number.

    Attributes:
        pid: Its number; 0 if it lives in another pid namespace.
        start: When it began, in a unit of the system's own; 0 if that cannot be read.
    """

    pid: int
    start: float


class Problem(NamedTuple):
    """Why something is not trustworthy, and what its owner can do about that."""

    detail: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Trust:
    """Who is trusted.

    Attributes:
        uids: Numbers of the trusted users.
        unknown: Users of the configuration who do not exist here.
    """

    uids: frozenset[int]
    unknown: tuple[str, ...] = ()

    @classmethod
    def of(cls, users: Iterable[str]) -> Trust:
        """Root, the agent's own user, and these, by name or number."""
        known = {user: _uid(user) for user in users}
        uids = {0, os.geteuid(), *(uid for uid in known.values() if uid is not None)}
        return cls(frozenset(uids), tuple(user for user, uid in known.items() if uid is None))

    def directory_problem(self, path: Path) -> Problem | None:
        """Why the directory is not trustworthy; None if it is.

        Raises:
            OSError: It is not there, or cannot be looked at.
        """
        real = path.resolve(strict=True)
        if path.is_symlink():
            return Problem(f"{path} is a symbolic link", f"directories = [{str(real)!r}] in the section [plugins]")
        return next(filter(None, (self._place_problem(place) for place in (real, *real.parents))), None)

    def socket_problem(self, path: str, status: os.stat_result) -> Problem | None:
        """Why the file is not to be connected to; None if it may be.

        Args:
            path: Where it is.
            status: Its own status, not that of what a link names.
        """
        if stat.S_ISLNK(status.st_mode):
            return Problem(f"{path} is a symbolic link, which may name another service's socket", _OWN_SOCKET)
        if not stat.S_ISSOCK(status.st_mode):
            return Problem(f"{path} is no socket", f"rm {shlex.quote(path)}")
        if status.st_nlink > 1:
            return Problem(f"{path} has another name too, so that it may be another service's socket", _OWN_SOCKET)
        return self._owner_problem(path, status.st_uid)

    def check_peer(self, peer: socket.socket) -> None:
        """Refuse to ask a process that no trusted user runs.

        Raises:
            RefusedError: The kernel says that another user runs it.
            OSError: The kernel does not say.
        """
        if problem := self._owner_problem("the process that listens", _peer_uid(peer)):
            raise RefusedError(Reason.UNTRUSTED_PEER, f"{problem.detail}; {problem.remedy}")

    def _place_problem(self, place: Path) -> Problem | None:
        status = place.lstat()
        if not stat.S_ISDIR(status.st_mode):
            return Problem(f"{place} is no directory", "name the directory of the sockets in plugins.directories")
        if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not status.st_mode & stat.S_ISVTX:
            mode = f"{stat.S_IMODE(status.st_mode):04o}"
            remedy = f"chmod go-w {shlex.quote(str(place))}  # or chmod +t, if others make their sockets there too"
            return Problem(f"{place} may be written to by others (mode {mode}) and is not sticky", remedy)
        return self._owner_problem(str(place), status.st_uid)

    def _owner_problem(self, what: str, uid: int) -> Problem | None:
        if uid in self.uids:
            return None
        name = _name(uid)
        user = f"{name} ({uid})" if name != str(uid) else name
        remedy = f'users = ["{name}"]  # in the section [plugins], if this user is to be trusted'
        return Problem(f"{what} belongs to user {user}, who is not trusted", remedy)


def listening_process(peer: socket.socket) -> Process:
    """The process at the other end of a connection: the one that called listen(2)."""
    pid = _peer_pid(peer)
    return Process(pid, start_of(pid))


def start_of(pid: int) -> float:
    """When a process began, in a unit of the system's own; 0 if there is none of this number."""
    try:
        if sys.platform == "linux":
            # proc(5): the name in parentheses may hold anything; the start, in ticks since boot, is the 20th after it.
            return float(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[19])
        import psutil

        return float(psutil.Process(pid).create_time())
    except Exception:  # noqa: BLE001 - it ended, or may not be looked at: each system says so in its own way
        return 0.0


def _peer_uid(peer: socket.socket) -> int:
    if sys.platform == "linux":
        return _ucred(peer)[1]
    return int(_XUCRED.unpack_from(peer.getsockopt(_SOL_LOCAL, _LOCAL_PEERCRED, 128))[1])


def _peer_pid(peer: socket.socket) -> int:
    if sys.platform == "linux":
        return _ucred(peer)[0]
    return peer.getsockopt(_SOL_LOCAL, _LOCAL_PEERPID)


def _ucred(peer: socket.socket) -> tuple[int, int, int]:
    pid, uid, gid = _UCRED.unpack(peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))
    return pid, uid, gid


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
