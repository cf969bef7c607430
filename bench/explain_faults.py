"""The faults that `bench.explain` injects, each with its true cause."""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import resource
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.explain_stage import AUDIO_CPU, CLIENTS, LOAD_US, Program, Stage
from collectors.audio.causes.event import Cause
from tests.support.agent import AgentProcess
from tests.support.audio import probe_pids

PERIOD_MS = 256 / 48
_GROUP = "239.255.19.87"
_SOCKETS = 4000
_FILTER_INSTRUCTIONS = 1000
"""Instructions of each filter; some kernels refuse longer ones."""


@dataclass(frozen=True, slots=True)
class Truth:
    """The truth of one fault.

    Attributes:
        cause: The true cause.
        pids: The processes of which one is the culprit; empty if the cause has none.
        ms: The milliseconds of the fault; 0 if they cannot be known.
        start_ns: Monotonic time of its start.
        end_ns: Monotonic time of its end.
    """

    cause: Cause
    pids: tuple[int, ...]
    ms: float
    start_ns: int
    end_ns: int


class Act:
    """One fault while it happens.

    Args:
        stage: The stage.
        watcher: The agent under test.
        dice: The source of its randomness.
    """

    def __init__(self, stage: Stage, watcher: AgentProcess, dice: random.Random) -> None:
        self.stage = stage
        self.watcher = watcher
        self.dice = dice
        self.name = dice.choice(CLIENTS)
        self.start_ns = time.monotonic_ns()

    @property
    def client(self) -> int:
        """The process of the client that was chosen."""
        return self.stage.clients[self.name].pid

    def tell(self, command: str) -> None:
        """Give the chosen client a command."""
        self.stage.clients[self.name].tell(command)

    def between(self, low: float, high: float) -> float:
        """Return a number of milliseconds."""
        return self.dice.uniform(low, high)

    def truth(self, cause: Cause, *pids: int, ms: float = 0.0) -> Truth:
        """Return the truth of the fault that ends now."""
        return Truth(cause, pids, ms, self.start_ns, time.monotonic_ns())


def computing_client(act: Act) -> Truth:
    """Let a client compute for several periods in one callback."""
    ms = act.between(8, 40)
    act.tell(f"spin {ms}")
    time.sleep(ms / 1e3)
    return act.truth(Cause.CLIENT_CPU, act.client, ms=ms)


def sleeping_client(act: Act) -> Truth:
    """Let a client sleep in its callback."""
    ms = act.between(12, 40)
    act.tell(f"sleep {ms}")
    time.sleep(ms / 1e3)
    return act.truth(Cause.CLIENT_WAIT, act.client, ms=ms)


def locked_client(act: Act) -> Truth:
    """Let a client wait in its callback for a mutex that another thread of its own holds."""
    ms = act.between(15, 40)
    act.tell(f"lock {ms}")
    time.sleep(ms / 1e3)
    return act.truth(Cause.CLIENT_WAIT, act.client, ms=ms)


def stopped_client(act: Act) -> Truth:
    """Stop a client's process."""
    return _stopped(act, act.client, Cause.CLIENT_STOPPED)


def stopped_server(act: Act) -> Truth:
    """Stop the server's process."""
    return _stopped(act, act.stage.server.pid, Cause.SERVER_STOPPED)


def stopped_probe(act: Act) -> Truth:
    """Stop the agent's own client."""
    return _stopped(act, probe_pids(act.watcher.process.pid)[0], Cause.AGENT)


def _stopped(act: Act, pid: int, cause: Cause) -> Truth:
    ms = act.between(40, 200)
    os.kill(pid, signal.SIGSTOP)
    time.sleep(ms / 1e3)
    os.kill(pid, signal.SIGCONT)
    return act.truth(cause, pid, ms=ms)


def killed_client(act: Act) -> Truth:
    """Kill a client in its callback; it is started again afterwards."""
    pid = act.client
    act.tell(f"load {0.6 * PERIOD_MS}")
    time.sleep(0.2)
    act.start_ns = time.monotonic_ns()
    os.kill(pid, signal.SIGKILL)
    return act.truth(Cause.CLIENT_DIED, pid)


def killed_server(act: Act) -> Truth:
    """Kill the server, and start everything again afterwards."""
    pid = act.stage.server.pid
    act.stage.server.kill()
    return act.truth(Cause.SERVER_DIED, pid)


def parallel_overload(act: Act) -> Truth:
    """Let six clients need a third of the period each."""
    with _loads(act, dict.fromkeys(CLIENTS, 0.32 * PERIOD_MS)):
        time.sleep(0.6)
    return act.truth(Cause.OVERLOAD)


def serial_overload(act: Act) -> Truth:
    """Let two clients in series need more than half of the period each."""
    first, second = act.dice.sample(CLIENTS, 2)
    port = f"{first}:out {second}:in"
    act.stage.clients[second].tell(f"connect {port}")
    with _loads(act, {first: 0.62 * PERIOD_MS, second: 0.62 * PERIOD_MS}):
        time.sleep(0.6)
    act.stage.clients[second].tell(f"disconnect {port}")
    return act.truth(Cause.OVERLOAD)


@contextlib.contextmanager
def _loads(act: Act, loads: dict[str, float]) -> Iterator[None]:
    for name, ms in loads.items():
        act.stage.clients[name].tell(f"load {ms}")
    yield
    for name in loads:
        act.stage.clients[name].tell(f"load {LOAD_US / 1e3}")


def preempted(act: Act) -> Truth:
    """Let a program of a higher priority compute on the processor of audio."""
    hog = act.stage.hog(80, act.dice.choice([1, 2]), AUDIO_CPU)
    time.sleep(1.2)
    truth = _hogged(act, hog, act.between(15, 60), Cause.PREEMPTED)
    time.sleep(3)
    hog.close()
    return truth


def preempted_briefly(act: Act) -> Truth:
    """Let a program of a higher priority start, compute on all processors and end."""
    hog = act.stage.hog(85, os.cpu_count() or 1, -2)
    truth = _hogged(act, hog, act.between(15, 50), Cause.PREEMPTED)
    hog.close()
    return truth


def contended(act: Act) -> Truth:
    """Let many threads compute next to a server without real-time priority."""
    hog = act.stage.hog(0, 24, AUDIO_CPU)
    time.sleep(1.2)
    truth = _hogged(act, hog, 400, Cause.CONTENTION)
    time.sleep(3)
    hog.close()
    return truth


def _hogged(act: Act, hog: Program, ms: float, cause: Cause) -> Truth:
    act.start_ns = time.monotonic_ns()
    hog.tell(str(ms))
    time.sleep(ms / 1e3 + 0.02)
    return act.truth(cause, hog.pid, ms=ms)


def quota(act: Act) -> Truth:
    """Let a control group with a small quota hold a client."""
    group = Path("/sys/fs/cgroup/cpu", f"wr-bench-{os.getpid()}")
    group.mkdir()
    before = _group_of(act.client)
    try:
        (group / "cpu.cfs_period_us").write_text("100000")
        (group / "cpu.cfs_quota_us").write_text("2000")
        act.start_ns = time.monotonic_ns()
        (group / "cgroup.procs").write_text(str(act.client))
        time.sleep(0.5)
        truth = act.truth(Cause.QUOTA, act.client)
        time.sleep(1)
        (group / "cpu.cfs_quota_us").write_text("-1")
        time.sleep(3)
    finally:
        (before / "cgroup.procs").write_text(str(act.client))
        time.sleep(0.2)
        group.rmdir()
    return truth


def _group_of(pid: int) -> Path:
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if "cpu" in controllers.split(","):
            return Path("/sys/fs/cgroup/cpu", path.lstrip("/"))
    raise RuntimeError("quotas need version 1 of control groups here")


def paged_out(act: Act) -> Truth:
    """Let a client touch mapped memory that was written out, next to two writers."""
    with _writers(act):
        act.tell("pageout")
        time.sleep(0.3)
        act.start_ns = time.monotonic_ns()
        ms = act.between(20, 60)
        act.tell(f"touch {ms}")
        time.sleep(0.1)
        return act.truth(Cause.MEMORY, act.client)


def reading_client(act: Act) -> Truth:
    """Let a client read from the disk in its callback."""
    ms = act.between(12, 40)
    act.tell(f"read {ms}")
    time.sleep(ms / 1e3)
    return act.truth(Cause.IO, act.client, ms=ms)


@contextlib.contextmanager
def _writers(act: Act) -> Iterator[None]:
    files = [act.stage.file.with_suffix(f".{number}") for number in range(2)]
    command = ["dd", "if=/dev/zero", "bs=1M", "count=48", "oflag=direct", "status=none"]
    running = [subprocess.Popen([*command, f"of={file}"]) for file in files]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def interrupted(act: Act) -> Truth:
    """Send one datagram to thousands of sockets whose filters are long, on the processor of audio."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    sockets = [_filtered_socket() for _ in range(_SOCKETS)]
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
    os.sched_setaffinity(0, {AUDIO_CPU})
    try:
        act.start_ns = time.monotonic_ns()
        sender.sendto(b"x" * 64, (_GROUP, 19_087))
        return act.truth(Cause.INTERRUPTS)
    finally:
        os.sched_setaffinity(0, range(os.cpu_count() or 1))
        for each in (*sockets, sender):
            each.close()


def _filtered_socket() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((_GROUP, 19_087))
    member = socket.inet_aton(_GROUP) + socket.inet_aton("127.0.0.1")
    made.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
    load, answer = struct.pack("HBBI", 0x20, 0, 0, 0), struct.pack("HBBI", 0x06, 0, 0, 0xFFFF)
    program = ctypes.create_string_buffer(load * (_FILTER_INSTRUCTIONS - 1) + answer)
    attached = struct.pack("HL", _FILTER_INSTRUCTIONS, ctypes.addressof(program))
    made.setsockopt(socket.SOL_SOCKET, 26, attached)  # SO_ATTACH_FILTER
    return made


def resized(act: Act) -> Truth:
    """Change the frames of a cycle, and change them back afterwards."""
    act.stage.server.resize(act.dice.choice([128, 512]))
    return act.truth(Cause.SETTINGS)


def _restart_client(act: Act) -> None:
    act.stage.clients.pop(act.name).close()
    time.sleep(1)
    try:
        act.stage.add(act.name)
    except AssertionError:  # JACK sometimes opens no client after one was killed
        act.stage.restart()
    time.sleep(2)


def _restart_server(act: Act) -> None:
    act.stage.restart()


def _resize_back(act: Act) -> None:
    act.stage.server.resize(256)
    time.sleep(4)


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault.

    Attributes:
        inject: Causes it and returns the truth.
        repair: Restores the stage after it was judged.
        realtime: Whether its server schedules in real time.
    """

    inject: Callable[[Act], Truth]
    repair: Callable[[Act], None] = lambda _act: None
    realtime: bool = True


FAULTS = {
    "client computes": Fault(computing_client),
    "client sleeps": Fault(sleeping_client),
    "client waits for a lock": Fault(locked_client),
    "client stopped": Fault(stopped_client),
    "client killed": Fault(killed_client, _restart_client),
    "server stopped": Fault(stopped_server),
    "server killed": Fault(killed_server, _restart_server),
    "overload, parallel": Fault(parallel_overload),
    "overload, series": Fault(serial_overload),
    "higher priority": Fault(preempted),
    "higher priority, brief": Fault(preempted_briefly),
    "contention": Fault(contended, realtime=False),
    "quota": Fault(quota, realtime=False),
    "client computes, no real time": Fault(computing_client, realtime=False),
    "memory paged out": Fault(paged_out),
    "client reads the disk": Fault(reading_client),
    "interrupts": Fault(interrupted),
    "settings changed": Fault(resized, _resize_back),
    "probe stopped": Fault(stopped_probe),
}
"""The faults by their name in the table."""
