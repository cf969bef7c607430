"""The processes of PipeWire and of its nodes, from `pw-dump` and `/proc`."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

from collectors.audio.pipewire.pw_top import NAME_CHARACTERS
from collectors.kernel_files import entries, read_bytes
from collectors.peer_credentials import peer_pid

_COMMAND = b"pipewire\n"
_CONNECT_SECONDS = 0.5


def parse_clients(dump: str) -> dict[str, int]:
    """Return the process of each node that a client owns, by its `node.name`, from the output of `pw-dump`.

    The server reads the process from the client's socket, where it can.
    """
    try:
        objects = json.loads(dump)
    except (ValueError, RecursionError):
        return {}
    properties = {it["id"]: _properties(it) for it in objects if isinstance(it, dict) and isinstance(it.get("id"), int)}
    found = {}
    for own in properties.values():
        client = properties.get(own.get("client.id", -1), {})
        pid = client.get("pipewire.sec.pid") or client.get("application.process.id")
        name = own.get("node.name")
        if isinstance(name, str) and name and str(pid).isdecimal():
            found[name[:NAME_CHARACTERS]] = int(str(pid))
    return found


def _properties(item: dict[str, Any]) -> dict[str, Any]:
    info = item.get("info")
    found = info.get("props") if isinstance(info, dict) else None
    return found if isinstance(found, dict) else {}


def find_pipewire(path: Path, proc: Path = Path("/proc")) -> int:
    """Return the process of the PipeWire server of a socket; 0 if it is not known.

    Where the socket's user has several servers, it is the one that listens there. A socket that systemd
    made names systemd instead.

    Args:
        path: Path of the server's socket.
        proc: Path of `/proc`.
    """
    try:
        user = path.stat().st_uid
    except OSError:
        return 0
    found = [int(pid) for pid in filter(str.isdecimal, entries(proc)) if _is_server(proc / pid, user)]
    if len(found) == 1:
        return found[0]
    listener = _listener(path) if found else 0
    return listener if listener in found else 0


def _listener(path: Path) -> int:
    """Return the process that listens on a socket; 0 if none does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_CONNECT_SECONDS)
        try:
            connection.connect(str(path))
            return peer_pid(connection)
        except OSError:
            return 0


def _is_server(process: Path, user: int) -> bool:
    """Return whether a process is a PipeWire server of a user; those for PulseAudio have another configuration."""
    try:
        if read_bytes(process / "comm") != _COMMAND or process.stat().st_uid != user:
            return False
        return not any(b"pipewire-" in word or b"filter-chain" in word for word in _arguments(process))
    except OSError:
        return False


def _arguments(process: Path) -> list[bytes]:
    return [Path(word.decode(errors="replace")).name.encode() for word in read_bytes(process / "cmdline").split(b"\0")]
