"""Analyses for tests of the process that runs them: right ones, slow ones, broken ones."""

from __future__ import annotations

import os
import signal
import sys
import time

from collectors.audio.causes.event import Cause, Culprit, Event
from collectors.audio.causes.evidence import Evidence, Window

START_NS = 5_000_000_000


def window(number: int = 0, device: str = "system") -> Window:
    """Return a dropout of 20 ms."""
    start_ns = START_NS + number * 1_000_000
    return Window(
        id=f"20300102-030405-{number:03}",
        at=f"2030-01-02T03:04:05.{number:03}000000Z",
        device=device,
        server="default",
        start_ns=start_ns,
        end_ns=start_ns + 20_000_000,
        silent_ns=0,
        period_ns=5_333_333,
        observations=("jack xrun",),
        load=0.2,
        server_pid=0,
        own_pids=(),
        cpus=2,
    )


def event(number: int = 0, cause: Cause = Cause.CLIENT_CPU, text: str = "reverb needed 14.2 ms.") -> Event:
    """Return the event of `window(number)`."""
    it = window(number)
    culprit = Culprit(kind="client", name="reverb", pid=4711)
    return Event(
        id=it.id, at=it.at, duration_ms=20.0, device=it.device, cause=cause, confidence=0.9, culprit=culprit, text=text
    )


def right(evidence: Evidence) -> Event:
    """Explain every dropout in the same way, under a false identity."""
    evidence.window.id.encode()
    return Event(
        id="0", at="", duration_ms=0, device="other", cause=Cause.PREEMPTED, confidence=0.9, level=1, text="It was I."
    )


def restrained(_: Evidence) -> Event:
    """Tell the niceness of the process and its limits."""
    import resource

    limits = [resource.getrlimit(kind)[0] for kind in (resource.RLIMIT_CPU, resource.RLIMIT_AS, resource.RLIMIT_CORE)]
    return Event(id="", at="", duration_ms=0, device="", text=f"{os.nice(0)} {limits} {os.getpid()}")


def slow(evidence: Evidence) -> Event:
    """Answer after 0.4 s."""
    time.sleep(0.4)
    return right(evidence)


def hangs(_: Evidence) -> Event:
    """Never answer."""
    signal.pause()
    raise AssertionError("no signal was expected")


def raises(_: Evidence) -> Event:
    """Raise an error."""
    raise ValueError("no such cycle")


def crashes(_: Evidence) -> Event:
    """End by a signal."""
    os.kill(os.getpid(), signal.SIGSEGV)
    raise AssertionError("the signal ends the process")


def burns(_: Evidence) -> Event:
    """Use the processor without an end, on a machine that may be too busy to let it do so in time."""
    signal.alarm(0)
    while True:
        pass


def swells(_: Evidence) -> Event:
    """Take memory without an end."""
    taken = []
    while True:
        taken.append(bytearray(16 << 20))


def floods(_: Evidence) -> Event:
    """Write without an end."""
    while True:
        sys.stdout.write("x" * 65536)


def babbles(_: Evidence) -> Event:
    """Answer with something else."""
    sys.stdout.write('{"cause": "weather"}')
    sys.stdout.flush()
    os._exit(0)


def boasts(_: Evidence) -> Event:
    """Answer with an impossible confidence."""
    return Event(id="", at="", duration_ms=0, device="", confidence=7.0, text="I know.")
