"""The processes of JACK clients, by the sockets on which the server notifies them.

libjack listens on `jack_NAME_UID_N` (`JackSocket.cpp`, `BuildName`). The kernel lists the socket for everyone, but
shows its process only to the same user and to root. Elsewhere a process is recognised by its command.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from collectors.kernel_files import entries, read_bytes, read_text

_SOCKET = re.compile(rb"^\S+ \S+ \S+ \S+ \S+ \S+ +(?P<inode>\d+) \S*/jack_(?P<name>.+)_(?P<uid>\d+)_\d+$", re.MULTILINE)
_MOST_FILES = 4096
_SHORTEST_COMMAND = 3
_LONGEST_COMMAND = 15
"""The kernel cuts a command after so many bytes."""


def parse_sockets(table: bytes) -> dict[str, set[int]]:
    """Return the inodes of the sockets of each client in `/proc/net/unix`, by the name in the socket's path."""
    found: dict[str, set[int]] = {}
    for match in _SOCKET.finditer(table):
        found.setdefault(os.fsdecode(match["name"]), set()).add(int(match["inode"]))
    return found


def socket_name(client: str) -> str:
    """Return a client's name as it is in the path of its socket (`JackTools::RewriteName`)."""
    return re.sub(r"[/\\]", "_", client)


def find_processes(
    names: Iterable[str],
    proc: Path = Path("/proc"),
    *,
    known: Mapping[str, int] | None = None,
    list_folder: Callable[[str], list[str]] = os.listdir,
) -> dict[str, int]:
    """Return the process of each client that can be found.

    Args:
        names: The clients' names.
        proc: Path of `/proc`.
        known: Clients with a known process, which no other client is given by its command.
        list_folder: Function that lists a folder; a seam for tests.
    """
    try:
        sockets = parse_sockets(read_bytes(proc / "net/unix"))
    except OSError:
        sockets = {}
    wanted = {inode: name for name in names for inode in sockets.get(socket_name(name), ())}
    found: dict[str, int] = {}
    hidden: dict[int, str] = {}
    for pid in map(int, filter(str.isdecimal, entries(proc))):
        try:
            for inode in _socket_inodes(f"{proc}/{pid}/fd", list_folder):
                if inode in wanted:
                    found[wanted[inode]] = pid
        except PermissionError:
            hidden[pid] = _command(proc / str(pid))
        except OSError:  # the process has ended
            continue
    taken = {*found.values(), *(known or {}).values()}
    return (
        _by_command([name for name in names if name not in found], {p: c for p, c in hidden.items() if p not in taken})
        | found
    )


def _socket_inodes(folder: str, list_folder: Callable[[str], list[str]]) -> list[int]:
    """Return the inodes of a process's sockets.

    Raises:
        OSError: They are not shown to this user, or the process has ended.
    """
    found = []
    for name in list_folder(folder)[:_MOST_FILES]:
        try:
            target = os.readlink(f"{folder}/{name}")  # noqa: PTH115 - a path object costs more than the call
        except FileNotFoundError:
            continue
        if target.startswith("socket:["):
            found.append(int(target[8:-1]))
    return found


def _command(process: Path) -> str:
    try:
        return read_text(process / "comm").strip()
    except OSError:
        return ""


def _by_command(names: Iterable[str], commands: Mapping[int, str]) -> dict[str, int]:
    """Return the process whose command is the beginning of a client's name, where it is the only one."""
    found = {}
    for name in names:
        fitting = [pid for pid, command in commands.items() if _fits(command.casefold(), name.casefold())]
        if len(fitting) == 1:
            found[name] = fitting[0]
    return found


def _fits(command: str, name: str) -> bool:
    if len(command) < _SHORTEST_COMMAND:
        return False
    return name.startswith(command) or (len(command) == _LONGEST_COMMAND and command.startswith(name))
