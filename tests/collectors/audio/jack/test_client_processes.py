"""The processes of JACK clients, of real ones and in a written `/proc`."""

from __future__ import annotations

from pathlib import Path

from collectors.audio.jack.client_processes import find_processes, parse_sockets, socket_name
from tests.support.jack_client import JackClient
from tests.support.jackd import Jackd

TABLE = b"""Num       RefCount Protocol Flags    Type St Inode Path
00000000a4fbeb36: 00000002 00000000 00010000 0001 01 3746665 /dev/shm/jack_default_0_0
00000000a5822397: 00000003 00000000 00000000 0001 03 3745504 /dev/shm/jack_alpha one_0_0
00000000a5822398: 00000003 00000000 00000000 0001 03 4000001 /dev/shm/jack_a_b_1000_0
00000000c0fef94d: 00000003 00000000 00000000 0001 03 3745502
00000000c0fef94e: 00000003 00000000 00000000 0001 03 3745503 /run/dbus/system_bus_socket
"""


def test_clients_are_named_by_their_sockets() -> None:
    assert parse_sockets(TABLE) == {"default": {3746665}, "alpha one": {3745504}, "a_b": {4000001}}


def test_a_slash_in_a_name_is_no_folder() -> None:
    assert socket_name("a/b\\c") == "a_b_c"


def test_real_clients_are_found(jackd: Jackd) -> None:
    first, second = (JackClient(jackd.name, f"{name}-{jackd.name}") for name in ("one", "two two"))
    try:
        found = find_processes([f"one-{jackd.name}", f"two two-{jackd.name}", "missing"])

        assert set(found) == {f"one-{jackd.name}", f"two two-{jackd.name}"}
        for name, pid in found.items():
            assert name.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    finally:
        first.close()
        second.close()


def test_without_a_right_on_its_files_a_process_is_known_by_its_command(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "net/unix").write_bytes(TABLE)
    for pid, command in {"11": "ardour", "12": "a-very-long-com", "13": "hydrogen", "14": "hydrogen"}.items():
        (tmp_path / pid).mkdir()
        (tmp_path / pid / "comm").write_text(f"{command}\n")

    def refuse(_folder: str) -> list[str]:
        raise PermissionError

    names = ["ardour", "Ardour-7", "a-very-long-command-2", "hydrogen", "vim"]
    found = find_processes(names, tmp_path, list_folder=refuse)

    assert found == {"ardour": 11, "Ardour-7": 11, "a-very-long-command-2": 12}
