"""The kernel recorder as a process of its own, on the machine's real tracefs. Needs root, which test.sh has."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.support.waiting import eventually

TRACEFS = Path("/sys/kernel/tracing")

_LISTENING = "00010000"
"""The flags of a socket in `/proc/net/unix`."""

_MODULE = "collectors.audio.causes.kernel.helper"


def mount_tracefs() -> Path:
    """Return the root of tracefs, mounted."""
    if not (TRACEFS / "instances").is_dir():
        subprocess.run(["mount", "-t", "tracefs", "nodev", TRACEFS], check=True)
    return TRACEFS


def instances_of(pid: int) -> list[Path]:
    """Return the trace instances of a recorder."""
    return sorted((TRACEFS / "instances").glob(f"wr-agent-recorder-{pid}-*"))


def _is_listening(path: Path) -> bool:
    """Return whether a process listens at a socket, without a connection: that would begin a trace."""
    sockets = (line.split() for line in Path("/proc/net/unix").read_text().splitlines())
    return any(fields[-1] == str(path) and fields[3] == _LISTENING for fields in sockets)


class RecorderProcess:
    """A recorder that listens.

    Args:
        path: The path of its socket.
        arguments: Further arguments.
    """

    def __init__(self, path: Path, *arguments: str) -> None:
        mount_tracefs()
        self.socket = path
        path.unlink(missing_ok=True)  # of one that was killed
        self.process = subprocess.Popen([sys.executable, "-m", _MODULE, "--socket", path, *arguments])
        eventually(lambda: self.process.poll() is not None or _is_listening(path), "the recorder listens")

    @property
    def instances(self) -> list[Path]:
        """Its trace instances."""
        return instances_of(self.process.pid)

    def end(self, number: int = signal.SIGTERM) -> int:
        """End it by a signal; return its exit status."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)
        return self.process.wait(30)


@contextlib.contextmanager
def recorder_process(path: Path, *arguments: str) -> Iterator[RecorderProcess]:
    """Run a recorder."""
    recorder = RecorderProcess(path, *arguments)
    try:
        yield recorder
    finally:
        recorder.end()
        for left in recorder.instances:  # of one that was killed
            left.rmdir()


@contextlib.contextmanager
def greeted(recorder: RecorderProcess) -> Iterator[socket.socket]:
    """Yield a connection that is served."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as peer:
        peer.settimeout(30)
        peer.connect(str(recorder.socket))
        assert json.loads(peer.recv(4096)) == {"version": 1, "error": ""}
        yield peer


def clean() -> subprocess.CompletedProcess[str]:
    """Remove what killed recorders left, as the unit does after a stop."""
    command = [sys.executable, "-m", _MODULE, "--clean"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)


def switch_for(seconds: float) -> None:
    """Let this thread be switched in and out thousands of times, as a quiet machine would fill no page."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.0001)
