"""The processes of PipeWire's nodes, of a real server and in a written `/proc`."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from collectors.audio.pipewire.clients import find_pipewire, parse_clients
from tests.support.pipewire import DEVICE, SINK, PipeWire


@pytest.fixture
def pipewire() -> Iterator[PipeWire]:
    server = PipeWire()
    try:
        server.start()
        yield server
    finally:
        server.close()


def test_a_real_node_has_the_process_of_its_client(pipewire: PipeWire) -> None:
    environment = os.environ | {"XDG_RUNTIME_DIR": str(pipewire.folder)}
    dump = subprocess.run(["pw-dump"], env=environment, capture_output=True, text=True, check=True).stdout
    clients = parse_clients(dump)
    server = find_pipewire(pipewire.folder / "pipewire-0")

    assert SINK not in clients
    assert b"tests.support.pipewire" in Path(f"/proc/{clients[DEVICE]}/cmdline").read_bytes()
    assert Path(f"/proc/{server}/comm").read_text() == "pipewire\n"


@pytest.mark.parametrize(
    ("dump", "clients"),
    [
        ("", {}),
        ("{}", {}),
        ("[1, null, {}]", {}),
        (json.dumps([{"id": 1, "info": {"props": {"node.name": "sink"}}}]), {}),
        (
            json.dumps(
                [
                    {"id": 1, "info": {"props": {"application.process.id": "77", "pipewire.sec.pid": 70}}},
                    {"id": 2, "info": {"props": {"node.name": "synth", "client.id": 1}}},
                    {"id": 3, "info": {"props": {"application.process.id": "88"}}},
                    {"id": 4, "info": {"props": {"node.name": "flatpak", "client.id": 3}}},
                    {"id": 5, "info": None},
                ]
            ),
            {"synth": 70, "flatpak": 88},
        ),
    ],
)
def test_the_output_of_pw_dump_is_parsed(dump: str, clients: dict[str, int]) -> None:
    assert parse_clients(dump) == clients


def process(proc: Path, pid: int, *command: str, comm: str = "pipewire") -> None:
    (proc / str(pid)).mkdir()
    (proc / str(pid) / "comm").write_text(f"{comm}\n")
    (proc / str(pid) / "cmdline").write_text("\0".join(command) + "\0")


def test_the_server_for_pulseaudio_is_another(tmp_path: Path) -> None:
    process(tmp_path, 5, "/usr/bin/pipewire")
    process(tmp_path, 6, "/usr/bin/pipewire-pulse", comm="pipewire-pulse")
    process(tmp_path, 7, "/usr/bin/pipewire", "-c", "filter-chain.conf")

    assert find_pipewire(tmp_path, tmp_path) == 5
    assert find_pipewire(tmp_path / "none", tmp_path) == 0


def test_of_two_servers_of_one_user_the_listening_one_is_found(tmp_path: Path) -> None:
    process(tmp_path, 5, "/usr/bin/pipewire")
    process(tmp_path, os.getpid(), "/usr/bin/pipewire", "-c", "other.conf")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "pipewire-0"))
        listener.listen()

        assert find_pipewire(tmp_path / "pipewire-0", tmp_path) == os.getpid()
    assert find_pipewire(tmp_path / "pipewire-0", tmp_path) == 0


def test_two_servers_without_a_listener_cannot_be_told_apart(tmp_path: Path) -> None:
    process(tmp_path, 5, "/usr/bin/pipewire")
    process(tmp_path, 6, "/usr/bin/pipewire", "-c", "other.conf")

    assert find_pipewire(tmp_path, tmp_path) == 0
