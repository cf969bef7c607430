"""The kernel recorder as a process of its own, on the machine's real tracefs. Needs root, which test.sh has."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.support.waiting import eventually

TRACEFS = Path("/sys/kernel/tracing")

_MODULE = "collectors.audio.causes.kernel.helper"


def mount_tracefs() -> Path:
    """Return the root of tracefs, mounted."""
    if not (TRACEFS / "instances").is_dir():
        subprocess.run(["mount", "-t", "tracefs", "nodev", TRACEFS], check=True)
    return TRACEFS


def instances_of(pid: int) -> list[Path]:
    """Return the trace instances of a recorder."""
    return sorted((TRACEFS / "instances").glob(f"wr-agent-{pid}-*"))


class RecorderProcess:
    """A recorder that listens.

    Args:
        socket: The path of its socket.
        arguments: Further arguments.
    """

    def __init__(self, socket: Path, *arguments: str) -> None:
        mount_tracefs()
        self.socket = socket
        socket.unlink(missing_ok=True)  # of one that was killed
        self.process = subprocess.Popen([sys.executable, "-m", _MODULE, "--socket", socket, *arguments])
        eventually(lambda: self.process.poll() is not None or socket.exists(), "the recorder listens")

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
def recorder_process(socket: Path, *arguments: str) -> Iterator[RecorderProcess]:
    """Run a recorder."""
    recorder = RecorderProcess(socket, *arguments)
    try:
        yield recorder
    finally:
        recorder.end()
        for path in recorder.instances:  # of one that was killed
            path.rmdir()


def clean() -> subprocess.CompletedProcess[str]:
    """Remove what killed recorders left, as the unit does after a stop."""
    command = [sys.executable, "-m", _MODULE, "--clean"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
