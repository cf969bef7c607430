"""The registry of JACK's shared memory, of a real server and of written files."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest

from collectors.audio.jack.shared_memory import NoServerError, Segment, find_server, parse_registry
from tests.support.jackd import Jackd


def registry(pid: int, server: bytes, *, name_bytes: int = 260, magic: int = 0x4A41434B) -> bytes:
    """Return a registry with one server and one segment, as `shm.c` writes it."""
    header = 24 + 8 * (4 + name_bytes)
    head = struct.pack("=IHxxiiii", magic, 1, 1, 0, header, 268)
    servers = struct.pack(f"=i{name_bytes}s", pid, server) + bytes(7 * (4 + name_bytes))
    segments = struct.pack("=hxxii255sx", 0, pid, 4096, b"/jack-1000-0") + bytes(3 * 268)
    return head + servers + segments


def test_a_real_server_is_found_with_its_segments(jackd: Jackd) -> None:
    server = find_server(jackd.name)

    assert (server.pid, server.uid) == (jackd.pid, os.getuid())
    assert max(segment.size for segment in server.segments) > 2048 * 33_000
    assert all(segment.path.stat().st_size == segment.size for segment in server.segments if segment.path.exists())


@pytest.mark.parametrize("name_bytes", [256, 260], ids=["1.9.10", "1.9.22"])
def test_the_length_of_names_follows_from_the_header(name_bytes: int) -> None:
    (server,) = parse_registry(registry(7, b"jack-1000:studio a:", name_bytes=name_bytes), Path("/shm"))

    assert (server.name, server.uid, server.pid) == ("studio a", 1000, 7)
    assert server.segments == (Segment(Path("/shm/jack-1000-0"), 4096),)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (registry(7, b"jack-0:x:", magic=1), "unknown layout"),
        (b"", "too short"),
        (registry(7, b"jack-0:x:")[:100], "too short"),
    ],
)
def test_other_bytes_are_refused(content: bytes, reason: str) -> None:
    with pytest.raises(NoServerError, match=reason):
        parse_registry(content)


def test_a_server_that_was_killed_is_not_found(tmp_path: Path) -> None:
    (tmp_path / "jack-shm-registry").write_bytes(registry(2**22, b"jack-0:studio:"))

    with pytest.raises(NoServerError, match="0 live servers named studio"):
        find_server("studio", tmp_path)


def test_a_machine_without_jack_says_so(tmp_path: Path) -> None:
    with pytest.raises(NoServerError, match="cannot be read: No such file or directory"):
        find_server("studio", tmp_path)
