"""The recorder's socket: its users, and what they may send."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.kernel_recorder import RecorderProcess, greeted, recorder_process
from tests.support.waiting import eventually

AS_USER = """
import contextlib, os, socket, sys
os.setuid(int(sys.argv[2]))
with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as peer:
    peer.connect(sys.argv[1])
    greeting = peer.recv(4096).decode()
    rest = b""
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        peer.send(b"nonsense")
        rest = peer.recv(4096)
    print(greeting, len(rest))
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user can reach."""
    path = Path(tempfile.mkdtemp())
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def said_as(user: int, recorder: RecorderProcess) -> str:
    command = [sys.executable, "-c", AS_USER, str(recorder.socket), str(user)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


def test_another_user_is_refused(folder: Path) -> None:
    with recorder_process(folder / "socket") as recorder:
        said = said_as(65534, recorder)

        assert "user 65534 may not use the kernel recorder" in said
        assert said.endswith(" 0\n")
        assert recorder.instances == []


def test_named_user_is_served(folder: Path) -> None:
    with recorder_process(folder / "socket", "--user", "65534", "--user", "daemon") as recorder:
        for user in (65534, 1):
            assert said_as(user, recorder).startswith('{"version": 1, "error": ""} ')


def test_unknown_user_is_an_error(folder: Path) -> None:
    command = [sys.executable, "-m", "collectors.audio.causes.kernel.helper", "--socket", str(folder / "socket")]
    done = subprocess.run([*command, "--user", "wr-none"], capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 1
    assert "wr-none" in done.stderr
    assert "--user" in done.stderr


@pytest.mark.parametrize(
    "request_",
    [
        b"x",
        b"freeze now",
        b"window",
        b"window 1",
        b"window a b",
        b"window 1 2 3",
        b"window 99999999999999999999 1",
        b"window 1 2".ljust(65),
        b"\0" * 5000,
        b"FREEZE",
    ],
)
def test_any_other_request_ends_the_connection(folder: Path, request_: bytes) -> None:
    with recorder_process(folder / "socket") as recorder:
        with greeted(recorder) as peer:
            peer.send(request_)
            assert peer.recv(4096) == b""
        with greeted(recorder) as peer:
            peer.send(b"freeze")
            assert json.loads(peer.recv(4096))["frozen_ns"] > 0


def test_windows_of_any_time_are_answered(folder: Path) -> None:
    with recorder_process(folder / "socket") as recorder, greeted(recorder) as peer:
        for start, end in ((0, 0), (5, 1), (-5, -1), (0, 9 * 10**18)):
            peer.send(f"window {start} {end}".encode())
            reply, (descriptor,), _, _ = socket.recv_fds(peer, 4096, 1)
            assert json.loads(reply)["bytes"] == os.fstat(descriptor).st_size > 4
            os.close(descriptor)


def test_memory_file_cannot_be_changed(folder: Path) -> None:
    with recorder_process(folder / "socket") as recorder, greeted(recorder) as peer:
        peer.send(f"window 0 {time.monotonic_ns()}".encode())
        _, (descriptor,), _, _ = socket.recv_fds(peer, 4096, 1)
        for change in (lambda: os.pwrite(descriptor, b"x", 0), lambda: os.ftruncate(descriptor, 0)):
            with pytest.raises(PermissionError):
                change()
        os.close(descriptor)


def test_agent_that_never_reads_is_dropped(folder: Path) -> None:
    with recorder_process(folder / "socket") as recorder, greeted(recorder) as peer:
        peer.setblocking(False)
        sent = 0

        def dropped() -> bool:
            nonlocal sent
            try:
                while True:
                    sent += peer.send(b"window 0 0")
            except BlockingIOError:
                return False
            except (BrokenPipeError, ConnectionResetError):
                return True

        eventually(dropped, "the recorder drops it", 120)
        eventually(lambda: not recorder.instances, "nothing is traced")
        assert recorder.process.poll() is None


def test_second_recorder_leaves_the_first_alone(folder: Path) -> None:
    with recorder_process(folder / "socket") as recorder, greeted(recorder) as peer:
        command = [sys.executable, "-m", "collectors.audio.causes.kernel.helper", "--socket", str(recorder.socket)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        peer.send(b"freeze")

        assert done.returncode == 1
        assert f"another recorder serves {recorder.socket}" in done.stderr
        assert json.loads(peer.recv(4096))["frozen_ns"] > 0
        assert len(recorder.instances) == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_end_removes_the_trace(folder: Path, number: int) -> None:
    with recorder_process(folder / "socket") as recorder, greeted(recorder) as peer:
        assert len(recorder.instances) == 2
        assert recorder.end(number) == 0
        assert recorder.instances == []
        assert peer.recv(4096) == b""


def test_recorder_is_small(folder: Path) -> None:
    with recorder_process(folder / "socket") as recorder, greeted(recorder):
        status = Path(f"/proc/{recorder.process.pid}/status").read_text()
        mapped = Path(f"/proc/{recorder.process.pid}/maps").read_text()

    (resident,) = [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")]
    assert resident < 40 * 1024
    assert [name for name in ("asyncio", "msgspec", "aiohttp", "_ssl") if name in mapped] == []
