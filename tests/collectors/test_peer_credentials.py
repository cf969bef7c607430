from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

from collectors.peer_credentials import peer_pid, peer_uid


def test_the_peer_of_a_pair_is_this_process() -> None:
    here, there = socket.socketpair(socket.AF_UNIX)
    with here, there:
        assert (peer_pid(here), peer_uid(here)) == (os.getpid(), os.geteuid())


def test_the_peer_of_a_connection_is_the_process_that_listens(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    program = (
        "import socket, sys; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen();"
        "print('ready', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as listening:
        assert listening.stdout is not None
        assert listening.stdout.readline() == "ready\n"
        with socket.socket(socket.AF_UNIX) as connected:
            connected.connect(path)

            assert peer_pid(connected) == listening.pid
            assert peer_uid(connected) == os.geteuid()
        listening.communicate()
