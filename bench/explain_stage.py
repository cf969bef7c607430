"""The stage of `bench.explain`: a JACK server, clients and hogs that misbehave on command, and the agent under test."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.support.agent import AgentProcess, agent
from tests.support.jackd import Jackd
from tests.support.kernel_recorder import recorder_process
from tests.support.waiting import PATIENCE, eventually

CLIENTS = ("reverb", "synth", "drums", "mixer", "vox", "guitar")
LOAD_US = 150
"""Microseconds that each client computes in each cycle."""
AUDIO_CPU = (os.cpu_count() or 1) - 1
"""The processor that the server and its clients are pinned to."""
_ROOT = Path(__file__).parents[1]
_FILE_BYTES = 64 << 20


class Programs:
    """The compiled programs of the benchmark, in a temporary folder."""

    def __init__(self, folder: Path) -> None:
        self.client = self._built(folder, "explain_client", "-ljack")
        self.hog = self._built(folder, "explain_hog")

    @staticmethod
    def _built(folder: Path, name: str, *libraries: str) -> Path:
        source = _ROOT / "bench" / f"{name}.cpp"
        command = ["c++", "-std=c++17", "-O2", "-pthread", str(source), "-o", str(folder / name), *libraries]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            packages = "g++ and libjack-jackd2-dev"
            raise SystemExit(f"{source.name} cannot be compiled (Debian's packages are {packages}):\n{done.stderr}")
        return folder / name


class Program:
    """A process that obeys lines on standard input and records what it prints.

    Args:
        command: The command, whose first line of output is `ready PID`.
        cpu: The processor to pin it to; `None` for none.
    """

    def __init__(self, command: Sequence[str | Path], cpu: int | None = None) -> None:
        self._said = tempfile.TemporaryFile("w+b")  # noqa: SIM115 - closed with the process
        with pinned(cpu):
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=self._said, stderr=subprocess.DEVNULL, text=True
            )
        try:
            eventually(lambda: b"ready" in self.output(), f"{command[0]} to start")
        except AssertionError:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """The process."""
        return self.process.pid

    def output(self) -> bytes:
        """Return everything that it has printed."""
        return os.pread(self._said.fileno(), 16 << 20, 0)

    def tell(self, command: str) -> None:
        """Write one command, without waiting for its end."""
        if self.process.stdin is not None:
            self.process.stdin.write(command + "\n")
            self.process.stdin.flush()

    def close(self) -> None:
        """End it."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGKILL)
        self.process.communicate()
        self._said.close()


@contextlib.contextmanager
def pinned(cpu: int | None) -> Iterator[None]:
    """Start child processes on one processor."""
    before = os.sched_getaffinity(0)
    if cpu is not None:
        os.sched_setaffinity(0, {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class Stage:
    """One server with its clients, and the agent that explains its dropouts.

    Args:
        folder: A folder for files and the agent's state.
        programs: The compiled programs.
        realtime: Whether the server schedules in real time.
    """

    def __init__(self, folder: Path, programs: Programs, *, realtime: bool) -> None:
        self._folder = folder
        self.programs = programs
        self.realtime = realtime
        self.server = Jackd(realtime=realtime)
        self.clients: dict[str, Program] = {}
        self.file = folder / "take.raw"
        self.file.write_bytes(os.urandom(1 << 20) * (_FILE_BYTES >> 20))
        os.sync()
        self._observed = b""
        self.start()

    def start(self) -> None:
        """Start the server and its clients."""
        with pinned(AUDIO_CPU):
            self.server.start()
        self._observer = self._program("observer", 0, None)
        self._observer.tell("follow")
        for name in CLIENTS:
            self.add(name)

    def add(self, name: str) -> None:
        """Start one client."""
        self.clients[name] = client = self._program(name, LOAD_US, AUDIO_CPU)
        client.tell(f"file {self.file}")
        client.tell(f"connect {name}:out system:playback_1")

    def _program(self, name: str, load_us: int, cpu: int | None) -> Program:
        return Program([self.programs.client, self.server.name, name, str(load_us)], cpu)

    @contextlib.contextmanager
    def watched(self) -> Iterator[AgentProcess]:
        """Run the agent, and the kernel recorder if this is root."""
        socket = self._folder / "recorder.socket"
        recorder = recorder_process(socket) if os.geteuid() == 0 else contextlib.nullcontext()
        lines = ['audio.observers = "auto"', f'audio.jack_server = "{self.server.name}"']
        lines.append(f'audio.kernel_recorder = "{socket}"')
        with recorder, agent(self._folder, "\n".join(lines)) as watcher:
            name = "audio_device_buffer_interval_seconds_count"
            eventually(lambda: name in watcher.get("/metrics?collect[]=audio")[2], "the agent to measure", PATIENCE)
            yield watcher

    def heard(self, start_ns: int, end_ns: int) -> list[int]:
        """Return the times of the observer's own xruns and late callbacks within a time."""
        found = []
        for line in (self._observed + self._observer.output()).splitlines():
            words = line.split()
            if words[0] in {b"xrun", b"late"} and start_ns <= int(words[-1]) <= end_ns:
                found.append(int(words[-1]))
        return found

    def hog(self, priority: int, threads: int, cpu: int) -> Program:
        """Start a hog that waits for its command."""
        return Program([self.programs.hog, str(priority), str(threads), str(cpu)])

    def stop(self) -> None:
        """End the server and its clients."""
        for client in self.clients.values():
            client.close()
        self.clients.clear()
        self._observed += self._observer.output()
        self._observer.close()

    def restart(self) -> None:
        """Start the server and its clients again."""
        self.stop()
        self.start()
        time.sleep(3)

    def close(self) -> None:
        """End everything."""
        self.stop()
        self.server.close()
