"""The registry of JACK 2's shared memory: the servers of this machine and their segments.

The layout is that of JACK's `shm.h`, from 1.9.6 to 1.9.22, with POSIX shared memory. JACK 1 and PipeWire have none.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from struct import Struct, error

from collectors.kernel_files import read_bytes

FOLDER = Path("/dev/shm")  # noqa: S108 - JACK's own folder
_REGISTRY = "jack-shm-registry"
_MAGIC = 0x4A41434B
_HEADER = Struct("=IHxxiiii")
"""Magic number, protocol, type, size, length of the header, length of an entry."""
_MOST_SERVERS = 8
_SERVER_PID = Struct("=i")
_SEGMENT = Struct("=hxxii")
"""Index, allocating process, size; the name follows."""


class NoServerError(Exception):
    """A server that is not in the registry."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment of a server's shared memory.

    Attributes:
        path: Its file.
        size: Its size in bytes.
    """

    path: Path
    size: int


@dataclass(frozen=True, slots=True)
class JackServer:
    """One server in the registry.

    Attributes:
        name: Its name.
        uid: The user that it runs as, as in the names of its files.
        pid: Its process.
        segments: Its segments.
    """

    name: str
    uid: int
    pid: int
    segments: tuple[Segment, ...]


def find_server(name: str, folder: Path = FOLDER) -> JackServer:
    """Return the server of that name.

    Raises:
        NoServerError: There is none, or more than one; the message is a clause for `missing`.
    """
    try:
        registry = read_bytes(folder / _REGISTRY)
    except OSError as failure:
        raise NoServerError(f"JACK's registry of shared memory cannot be read: {failure.strerror}") from failure
    servers = [server for server in parse_registry(registry, folder) if server.name == name and _is_alive(server.pid)]
    if len(servers) != 1:
        raise NoServerError(f"JACK's registry of shared memory has {len(servers)} live servers named {name}")
    return servers[0]


def parse_registry(registry: bytes, folder: Path = FOLDER) -> list[JackServer]:
    """Return the servers in the registry.

    Raises:
        NoServerError: The bytes are no such registry.
    """
    try:
        magic, _, _, _, header_bytes, entry_bytes = _HEADER.unpack_from(registry)
        server_bytes, rest = divmod(header_bytes - _HEADER.size, _MOST_SERVERS)
        if magic != _MAGIC or rest or entry_bytes <= _SEGMENT.size or server_bytes <= _SERVER_PID.size:
            raise NoServerError("JACK's registry of shared memory has an unknown layout")
        segments = _segments(registry, header_bytes, entry_bytes, folder)
        return list(_servers(registry, server_bytes, segments))
    except error as failure:
        raise NoServerError("JACK's registry of shared memory is too short") from failure


def _servers(registry: bytes, server_bytes: int, segments: list[tuple[int, Segment]]) -> list[JackServer]:
    servers = []
    for number in range(_MOST_SERVERS):
        start = _HEADER.size + number * server_bytes
        (pid,) = _SERVER_PID.unpack_from(registry, start)
        prefix, uid, name = _parse_name(registry[start + _SERVER_PID.size : start + server_bytes])
        if pid and prefix == "jack" and uid.isdecimal():
            own = tuple(segment for allocator, segment in segments if allocator == pid)
            servers.append(JackServer(name, int(uid), pid, own))
    return servers


def _parse_name(field: bytes) -> tuple[str, str, str]:
    """Return the parts of a server's field, such as `jack-1000:default:`."""
    head, _, name = os.fsdecode(field.partition(b"\0")[0]).partition(":")
    prefix, _, uid = head.partition("-")
    return prefix, uid, name.removesuffix(":")


def _segments(registry: bytes, start: int, entry_bytes: int, folder: Path) -> list[tuple[int, Segment]]:
    """Return the segments in use, each with its allocating process."""
    found = []
    for at in range(start, len(registry) - entry_bytes + 1, entry_bytes):
        _, allocator, size = _SEGMENT.unpack_from(registry, at)
        name = os.fsdecode(registry[at + _SEGMENT.size : at + entry_bytes].partition(b"\0")[0]).lstrip("/")
        if allocator and size > 0 and name and "/" not in name:
            found.append((allocator, Segment(folder / name, size)))
    return found


def _is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()
