"""The processes of PipeWire and of its nodes, from `pw-dump` and `/proc`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from collectors.audio.pipewire.pw_top import NAME_CHARACTERS
from collectors.kernel_files import entries, read_bytes

_COMMAND = b"pipewire\n"


def parse_clients(dump: str) -> dict[str, int]:
    """Return the process of each node that a client owns, by its `node.name`, from the output of `pw-dump`.

    The server reads the process from the client's socket, where it can.
    """
    try:
        objects = json.loads(dump)
    except ValueError:
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


def find_pipewire(socket: Path, proc: Path = Path("/proc")) -> int:
    """Return the process of the PipeWire server of a socket's user; 0 unless there is exactly one.

    Args:
        socket: The server's socket.
        proc: Path of `/proc`.
    """
    try:
        user = socket.stat().st_uid
    except OSError:
        return 0
    found = [pid for pid in filter(str.isdecimal, entries(proc)) if _is_server(proc / pid, user)]
    return int(found[0]) if len(found) == 1 else 0


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
