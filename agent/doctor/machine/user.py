"""A user of this machine, with the files that this user may access."""

from __future__ import annotations

import grp
import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from collectors.kernel_files import read_text

READ, WRITE, ENTER = os.R_OK, os.W_OK, os.X_OK


@dataclass(frozen=True, slots=True)
class User:
    """A user and the groups that access rights depend on.

    Attributes:
        name: The user's name, or the number where there is no name.
        uid: The user's number.
        gids: The numbers of the groups.
    """

    name: str
    uid: int
    gids: frozenset[int]

    def obstacle(self, path: Path, need: int) -> Path | None:
        """Return the first path component that denies access to `path`; `None` if access is allowed.

        A file with an access list (acl(5)) and a file that cannot be inspected count as allowed.

        Args:
            path: An absolute path.
            need: `READ`, `WRITE`, `ENTER`, or their sum.
        """
        for step in reversed(path.parents):
            if not self._may(step, ENTER):
                return step
        return None if self._may(path, need) else path

    def _may(self, path: Path, need: int) -> bool:
        try:
            if self.uid == os.geteuid():
                return os.access(path, need) or not path.exists()
            return self.uid == 0 or _has_access_list(path) or self._bits_allow(path, need)
        except OSError:
            return True

    def _bits_allow(self, path: Path, need: int) -> bool:
        seen = path.stat()
        shift = 6 if seen.st_uid == self.uid else 3 if seen.st_gid in self.gids else 0
        return seen.st_mode >> shift & need == need


def current() -> User:
    """Return the user of this process."""
    return User(_name(os.geteuid()), os.geteuid(), frozenset({os.getegid(), *os.getgroups()}))


def of_process(proc: Path, pid: int | str) -> User | None:
    """Return the user of a process with its groups (proc_pid_status(5)); `None` if it has ended."""
    try:
        lines = dict(line.split(":", 1) for line in read_text(proc / str(pid) / "status").splitlines() if ":" in line)
    except OSError:
        return None
    uid = int(lines["Uid"].split()[1])
    gids = [lines["Gid"].split()[1], *lines.get("Groups", "").split()]
    return User(_name(uid), uid, frozenset(map(int, gids)))


def named(name: str) -> User | None:
    """Return the user of this name with all groups; `None` if the name is unknown."""
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return User(name, entry.pw_uid, frozenset(os.getgrouplist(name, entry.pw_gid)))


def group(gid: int) -> str:
    """Return the name of a group, or its number if it has no name."""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def home(user: User) -> Path | None:
    """Return the user's home folder, if known."""
    try:
        return Path(pwd.getpwuid(user.uid).pw_dir)
    except KeyError:
        return None


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _has_access_list(path: Path) -> bool:
    return "system.posix_acl_access" in (os.listxattr(path) if hasattr(os, "listxattr") else ())
