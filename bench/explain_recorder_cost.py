"""The cost of the kernel recorder: of its trace at 256 frames and eight clients, and of handing out a window.

Run as root: python -m bench.explain_recorder_cost [--rounds N]

A pair of real-time threads that wake each other shows what the trace adds to a switch with its wake-up. The trace
itself counts the switches of a real jackd with its clients. Their product is the kernel's share. The processor time of
server and clients, which the trace lengthens too, is measured with and without it in turns.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.processes import cpu_seconds, rss_mib
from bench.table import machine, table
from collectors.audio.causes.evidence import Trace
from collectors.audio.causes.kernel import captured
from collectors.audio.causes.kernel.helper.instance import Instance
from collectors.audio.causes.kernel.helper.protocol import EVENTS
from collectors.audio.causes.kernel.helper.recording import Recording
from tests.support.jack_client import JackClient
from tests.support.jackd import Jackd
from tests.support.kernel_recorder import mount_tracefs

CLIENTS = 8
FRAMES = 256
AIM_PERCENT = 1.0
_EXCHANGES = 500
_BUFFER_KIB = 2048
_SECOND_NS = 1_000_000_000


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=12)
    rounds = parser.parse_args().rounds
    root = mount_tracefs()
    print(f"{machine()}\n")
    added_us = exchanges(root, rounds)
    with audio() as pids:
        costs(root, pids, added_us, rounds)
        hand_out(root)


def exchanges(root: Path, rounds: int) -> float:
    """Print what each part of the trace adds to a switch; return the microseconds that all of it adds."""
    kinds: dict[str, tuple[int, tuple[str, ...]]] = {
        "without": (0, ()),
        "switches": (1, EVENTS[:1]),
        "switches, wake-ups": (1, EVENTS[:2]),
        "all events": (1, EVENTS),
        "all events, second set resting": (2, EVENTS),
    }
    found: dict[str, list[float]] = {kind: [] for kind in kinds}
    with pair() as exchange:
        for _ in range(rounds):
            for kind, (sets, events) in kinds.items():
                with tracing(root, sets, events):
                    found[kind] += [exchange() for _ in range(8)]
    without = statistics.median(found["without"])
    rows = [
        [kind, f"{statistics.median(us):.2f}", f"{statistics.median(us) - without:+.2f}"] for kind, us in found.items()
    ]
    print(table(("trace", "us a switch with its wake-up", "added"), rows), end="\n\n")
    return statistics.median(found["all events, second set resting"]) - without


@contextmanager
def tracing(root: Path, sets: int, events: tuple[str, ...]) -> Iterator[None]:
    """Trace in the first of some instances."""
    instances = [Instance(root, events, _BUFFER_KIB) for _ in range(sets)]
    try:
        for instance in instances[:1]:
            instance.record(on=True)
        yield
    finally:
        for instance in instances:
            instance.close()


class Pair:
    """Two real-time processes on one processor that wake each other by pipes."""

    def __init__(self) -> None:
        there, back = os.pipe(), os.pipe()
        self._before = os.sched_getaffinity(0), os.sched_getscheduler(0), os.sched_getparam(0)
        os.sched_setaffinity(0, {max(self._before[0])})
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))
        self._other = os.fork()
        if not self._other:
            os.close(there[1])
            while content := os.read(there[0], 1):
                os.write(back[1], content)
            os._exit(0)
        self._write, self._read = there[1], back[0]
        for descriptor in (there[0], back[1]):
            os.close(descriptor)

    def exchange(self) -> float:
        """Return the microseconds of a switch."""
        time.sleep(0.01)  # leaves the processor to others
        began = time.perf_counter_ns()
        for _ in range(_EXCHANGES):
            os.write(self._write, b"x")
            os.read(self._read, 1)
        return (time.perf_counter_ns() - began) / _EXCHANGES / 2 / 1000

    def close(self) -> None:
        """End the other process."""
        for descriptor in (self._write, self._read):
            os.close(descriptor)
        os.waitpid(self._other, 0)
        cpus, policy, parameters = self._before
        os.sched_setscheduler(0, policy, parameters)
        os.sched_setaffinity(0, cpus)


@contextmanager
def pair() -> Iterator[Callable[[], float]]:
    """Yield the measurement of an exchange."""
    both = Pair()
    try:
        yield both.exchange
    finally:
        both.close()


@contextmanager
def audio() -> Iterator[list[int]]:
    """Run a server with its clients; yield their processes."""
    with ExitStack() as stack:
        server = Jackd(frames=FRAMES)
        stack.callback(server.close)
        server.start()
        clients = [JackClient(server.name, f"client-{number}-{server.name}") for number in range(CLIENTS)]
        for client in clients:
            stack.callback(client.close)
            client.tell("hear system:capture_1")
        time.sleep(2)
        yield [server.pid, *(client.pid for client in clients)]


def costs(root: Path, pids: list[int], added_us: float, rounds: int) -> None:
    """Print the events and the cost of the trace."""
    used: dict[bool, list[float]] = {False: [], True: []}
    traces = []
    for _ in range(rounds):
        used[False].append(percent(pids))
        recording = Recording(root)
        try:
            used[True].append(percent(pids))
            traces.append(window(recording, 2 * _SECOND_NS))
        finally:
            recording.close()
    of_audio = statistics.median(switches(trace, pids) for trace in traces)
    of_all = statistics.median(len(trace.switches) / seconds(trace) for trace in traces)
    rows = [
        ["of jackd and its clients", f"{of_audio:.0f}", f"{of_audio * added_us / 1e4:.2f}"],
        ["of the whole machine", f"{of_all:.0f}", f"{of_all * added_us / 1e4:.2f}"],
    ]
    print(f"jackd dummy, {FRAMES} frames, {CLIENTS} clients\n")
    print(table(("switches", "a second", "added % of a core"), rows))
    without, with_it = (statistics.median(used[on]) for on in (False, True))
    lengthened = f"{without:.2f} % without, {with_it:.2f} % with the trace ({with_it - without:+.2f})"
    print(f"\nCPU of jackd and its clients: {lengthened}")
    print(f"aim: at most {AIM_PERCENT:g} % of a core\n")


def percent(pids: list[int]) -> float:
    """Return the processor time of processes in percent of one core."""
    began, before = time.monotonic(), sum(map(cpu_seconds, pids))
    time.sleep(2.5)
    return (sum(map(cpu_seconds, pids)) - before) / (time.monotonic() - began) * 100


def window(recording: Recording, length_ns: int) -> Trace:
    """Return the trace of the last nanoseconds."""
    now_ns = time.monotonic_ns()
    descriptor = recording.window(now_ns - length_ns, now_ns)
    try:
        return captured.read(descriptor)
    finally:
        os.close(descriptor)


def seconds(trace: Trace) -> float:
    """Return the length of a trace."""
    return (trace.end_ns - trace.start_ns) / _SECOND_NS


def switches(trace: Trace, pids: list[int]) -> float:
    """Return the switches a second from or to the threads of processes."""
    tids = {int(task.name) for pid in pids for task in Path(f"/proc/{pid}/task").iterdir()}
    return sum(switch[2] in tids or switch[4] in tids for switch in trace.switches) / seconds(trace)


def hand_out(root: Path) -> None:
    """Print the cost of a freeze, of a window and of reading it."""
    recording = Recording(root)
    rows = []
    try:
        for length in (1, 3, 5):
            time.sleep(length)
            rows.append(_one_hand_out(recording, length * _SECOND_NS))
    finally:
        recording.close()
    header = ("window s", "freeze ms", "hand-out ms", "recorder's CPU ms", "MiB", "events", "analysis's CPU ms")
    print(table(header, rows))
    print(f"memory of this process with a recording: {rss_mib(os.getpid()):.0f} MiB")


def _one_hand_out(recording: Recording, length_ns: int) -> list[str]:
    began, used = time.monotonic_ns(), time.process_time_ns()
    frozen_ns = recording.freeze()
    descriptor = recording.window(frozen_ns - length_ns, frozen_ns)
    ended, used = time.monotonic_ns(), time.process_time_ns() - used
    read = time.process_time_ns()
    trace = captured.read(descriptor)
    read = time.process_time_ns() - read
    size = os.fstat(descriptor).st_size
    os.close(descriptor)
    events = len(trace.switches) + len(trace.wakes) + len(trace.interrupts)
    milliseconds = ((frozen_ns - began) / 1e6, (ended - frozen_ns) / 1e6, used / 1e6)
    return [
        f"{length_ns / _SECOND_NS:g}",
        *(f"{value:.1f}" for value in milliseconds),
        f"{size / 2**20:.1f}",
        str(events),
        f"{read / 1e6:.0f}",
    ]


if __name__ == "__main__":
    main()
