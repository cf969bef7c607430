"""A real JACK server on the dummy driver, for tests and benchmarks.

A machine has room for eight server names. A killed server keeps its name until another server of that name has ended
cleanly. So names come from a small pool, and one test run at a time uses a name.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.support.waiting import eventually

_START_SECONDS = 10.0
_ATTEMPTS = 5
_NAMES = 6
_NAME_SECONDS = 120.0
_KNOCK = """
import ctypes, os
library = ctypes.CDLL("libjack.so.0")
library.jack_client_open.restype = ctypes.c_void_p
client = library.jack_client_open(b"wr-test-knock-%d" % os.getpid(), 1, None)
if not client:
    raise SystemExit(1)
library.jack_client_close(ctypes.c_void_p(client))
"""
"""A client with a unique name; `jack_lsp` uses the same name on every server."""


class Jackd:
    """One server, which can be killed, frozen and started again under the same name.

    Args:
        rate: Frames a second.
        frames: Frames a cycle.
        captures: Number of capture channels.
        playbacks: Number of playback channels.
        sync: Whether each cycle waits for all clients (`jackd -S`).
        realtime: Whether its threads are scheduled in real time, which `jackd -r` disables.

    Attributes:
        name: The server's name.
    """

    def __init__(
        self,
        rate: int = 48_000,
        frames: int = 256,
        captures: int = 2,
        playbacks: int = 2,
        *,
        sync: bool = False,
        realtime: bool = True,
    ) -> None:
        self._lock, self.name = _borrow_name()
        self.rate = rate
        self.frames = frames
        self.captures = captures
        self._mode = ["-S"] * sync + ["-r"] * (not realtime)
        self._channels = ["-C", str(captures), "-P", str(playbacks)]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The running server's process."""
        if self._process is None:
            raise RuntimeError(f"jackd {self.name} is not running")
        return self._process.pid

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which every JACK client finds this server."""
        return os.environ | {"JACK_DEFAULT_SERVER": self.name, "JACK_NO_START_SERVER": "1"}

    def start(self) -> None:
        """Start the server and wait until it answers.

        The first start after a SIGKILL fails, because it only removes the old server's shared memory.

        Raises:
            RuntimeError: It did not start, or a server of a crashed run still uses its name.
        """
        if self._takes_clients():
            raise RuntimeError(f"a JACK server {self.name} runs already; end it: pkill -f 'jackd -n {self.name}'")
        with _starting_alone():
            for _ in range(_ATTEMPTS):
                self._process = self._spawn()
                if self._answers():
                    return
                self.kill()
        raise RuntimeError(f"jackd {self.name} did not start in {_ATTEMPTS} attempts")

    def close(self) -> None:
        """End the server and release its name."""
        try:
            if self._process is None:
                self.start()
            self.terminate()
        finally:
            os.close(self._lock)

    def kill(self) -> None:
        """Kill the server."""
        self._end(signal.SIGKILL)

    def terminate(self) -> None:
        """End the server cleanly."""
        self._end(signal.SIGTERM)

    def freeze(self) -> None:
        """Stop the process."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Continue the stopped process."""
        os.kill(self.pid, signal.SIGCONT)

    def ports(self) -> str:
        """Return all ports of the graph, one a line."""
        return subprocess.run(
            ["jack_lsp", "-s", self.name], capture_output=True, text=True, check=True, timeout=30
        ).stdout

    def resize(self, frames: int) -> None:
        """Change the frames a cycle of the running server."""
        subprocess.run(["jack_bufsize", str(frames)], env=self.environment, capture_output=True, check=True, timeout=30)

    def _spawn(self) -> subprocess.Popen[bytes]:
        options = ["-d", "dummy", "-r", str(self.rate), "-p", str(self.frames), *self._channels]
        return subprocess.Popen(
            ["jackd", *self._mode, "-n", self.name, *options],
            env=os.environ | {"JACK_NO_AUDIO_RESERVATION": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _answers(self) -> bool:
        deadline = time.monotonic() + _START_SECONDS
        while self._process is not None and self._process.poll() is None and time.monotonic() < deadline:
            if self._takes_clients():
                return True
            time.sleep(0.05)
        return False

    def _takes_clients(self) -> bool:
        try:
            command = [sys.executable, "-S", "-c", _KNOCK]
            knocked = subprocess.run(
                command, env=self.environment, capture_output=True, check=False, timeout=_START_SECONDS
            )
        except subprocess.TimeoutExpired:  # a server that hangs while it starts blocks its clients
            return False
        return knocked.returncode == 0

    def _end(self, with_signal: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(with_signal)
        process.send_signal(signal.SIGCONT)  # a stopped process does not end otherwise
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def running_jackd(*, realtime: bool = True) -> Iterator[Jackd]:
    """Run a server with 256 frames at 48 kHz."""
    server = Jackd(realtime=realtime)
    try:
        server.start()
        yield server
    finally:
        server.close()


@contextlib.contextmanager
def _starting_alone() -> Iterator[None]:
    """Hold the machine's lock for starting servers, because their shared registry is not safe for parallel starts."""
    with (Path(tempfile.gettempdir()) / "wr-test-start.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _borrow_name() -> tuple[int, str]:
    """Return the lock and the name of a free server name; closing the lock releases the name."""
    return eventually(_try_to_borrow, f"one of the {_NAMES} names for JACK servers of tests is free", _NAME_SECONDS)


def _try_to_borrow() -> tuple[int, str] | None:
    for number in range(_NAMES):
        name = f"wr-test-{number}"
        lock = os.open(Path(tempfile.gettempdir()) / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
        else:
            return lock, name
    return None
