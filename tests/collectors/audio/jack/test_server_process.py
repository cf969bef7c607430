from __future__ import annotations

from pathlib import Path

import pytest

from collectors.audio.jack.server_process import ServerProcess, find_server
from tests.support.jackd import Jackd


def process(proc: Path, pid: int, command: str, name: str = "jackd", environment: bytes = b"HOME=/root\0") -> None:
    (proc / str(pid)).mkdir()
    (proc / str(pid) / "comm").write_text(f"{name}\n")
    (proc / str(pid) / "cmdline").write_bytes(b"".join(it.encode() + b"\0" for it in command.split()))
    (proc / str(pid) / "environ").write_bytes(environment)


def pid(name: str, proc: Path) -> int | None:
    found = find_server(name, proc)
    return None if found is None else found.pid


def test_a_real_server_is_found_by_its_name(jackd: Jackd) -> None:
    found = find_server(jackd.name)

    assert found is not None
    assert found.pid == jackd.pid
    assert jackd.name in found.command
    assert find_server(f"not-{jackd.name}") is None


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("jackd -d alsa", "default"),
        ("jackd -R -P 70 -n stage -d alsa", "stage"),
        ("jackd -nstage -d alsa -n 3", "stage"),
        ("jackd --name=stage -d alsa -n3", "stage"),
        ("jackd --name stage -ddummy", "stage"),
        ("jackd -Rn stage -d dummy", "stage"),
        ("jackd -d alsa -n 3", "default"),
        ("jackd --no-realtime --driver=dummy -n 3", "default"),
    ],
)
def test_the_name_is_that_before_the_driver(tmp_path: Path, command: str, name: str) -> None:
    process(tmp_path, 7, command)

    assert find_server(name, tmp_path) == ServerProcess(7, tuple(command.split()))


def test_the_environment_names_a_server_without_an_option(tmp_path: Path) -> None:
    process(tmp_path, 7, "jackdbus auto", "jackdbus", b"A=b=c\0JACK_DEFAULT_SERVER=studio\0")

    assert pid("studio", tmp_path) == 7
    assert pid("default", tmp_path) is None


def test_of_several_servers_the_named_one_is_found(tmp_path: Path) -> None:
    process(tmp_path, 7, "jackd -d alsa")
    process(tmp_path, 8, "jackd -n stage -d dummy")

    assert (pid("default", tmp_path), pid("stage", tmp_path)) == (7, 8)


def test_two_servers_of_one_name_are_none(tmp_path: Path) -> None:
    process(tmp_path, 7, "jackd -d alsa")
    process(tmp_path, 8, "jackd -d dummy")

    assert pid("default", tmp_path) is None


def test_what_cannot_be_known_is_not_guessed(tmp_path: Path) -> None:
    process(tmp_path, 7, "jackd --new-option -d alsa")
    process(tmp_path, 8, "jackd -d alsa")
    (tmp_path / "8/environ").unlink()
    process(tmp_path, 9, "python jackd", "python")
    (tmp_path / "10").mkdir()

    assert pid("default", tmp_path) is None
    assert pid("default", tmp_path / "missing") is None
