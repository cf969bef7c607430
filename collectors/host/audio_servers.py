"""The threads of the audio servers: their real-time priority and their context switches.

An involuntary switch of a real-time thread means that a more urgent thread ran, or that its time was used up. Such
delays become dropouts.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from collectors import remedies
from collectors.findings import Finding, Severity
from collectors.kernel_files import read_text
from collectors.metrics import Family, LabelValues, counter, gauge

SERVERS = frozenset({"jackd", "jackdbus", "pipewire", "pipewire-pulse", "pulseaudio", "wireplumber"})
"""Process names of audio servers. The kernel keeps 15 characters of a name."""

RENDERING = frozenset({"jackd", "pipewire", "pulseaudio"})
"""The servers that need a real-time thread to finish their work in time."""

SEARCH_SECONDS = 30.0
"""Seconds until a new server is found: the search has to look at all processes."""

_POLICIES = {0: "other", 1: "fifo", 2: "rr", 3: "batch", 5: "idle", 6: "deadline", 7: "ext"}  # sched(7), linux/sched.h
_REAL_TIME = frozenset({"fifo", "rr", "deadline"})
_MOST_THREADS = 24
_PRIORITY, _POLICY = 37, 38  # proc_pid_stat(5): fields 40 and 41, where the first after the name is field 3


@dataclass(frozen=True, slots=True)
class Thread:
    """One thread of an audio server.

    Attributes:
        process: The server's name.
        name: The thread's name.
        id: The thread's number.
        policy: Its scheduling policy, such as `fifo` or `other`.
        priority: Its real-time priority, 1 to 99; 0 without one.
        voluntary: The number of times it waited for something.
        involuntary: The number of times it was preempted.
    """

    process: str
    name: str
    id: str
    policy: str
    priority: int
    voluntary: int
    involuntary: int

    @property
    def is_real_time(self) -> bool:
        """True if the thread precedes all threads that are not real-time."""
        return self.policy in _REAL_TIME


def parse(process: str, id_: str, stat: str, status: str) -> Thread:
    """Parse a thread's `stat` (proc_pid_stat(5)) and its `status` (proc_pid_status(5))."""
    name = stat[stat.index("(") + 1 : stat.rindex(")")]
    fields = stat[stat.rindex(")") + 1 :].split()
    lines = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    return Thread(
        process=process,
        name=name,
        id=id_,
        policy=_POLICIES.get(int(fields[_POLICY]), fields[_POLICY]),
        priority=int(fields[_PRIORITY]),
        voluntary=int(lines["voluntary_ctxt_switches"]),
        involuntary=int(lines["nonvoluntary_ctxt_switches"]),
    )


def threads(proc: Path, pids: Iterable[str]) -> Iterator[Thread]:
    """Yield the threads of those processes that are audio servers now."""
    for pid in pids:
        process = _name(proc / pid)
        for id_ in _entries(proc / pid / "task") if process in SERVERS else ():
            try:
                task = proc / pid / "task" / id_
                yield parse(process, id_, read_text(task / "stat"), read_text(task / "status"))
            except OSError:  # the thread has ended
                continue


def servers(proc: Path) -> list[str]:
    """Return the numbers of the processes that are audio servers."""
    return [pid for pid in _entries(proc) if pid.isdecimal() and _name(proc / pid) in SERVERS]


def _allow_real_time() -> tuple[str, ...]:
    return (
        "printf '@audio - rtprio 95\\n@audio - memlock unlimited\\n' | sudo tee /etc/security/limits.d/audio.conf",
        *remedies.join_group("$USER", "audio", "then log out and in again; ulimit -r shows 95"),
        *(f"{line}  # PipeWire and PulseAudio can ask RealtimeKit instead" for line in remedies.install("rtkit")),
    )


class AudioServers:
    """The audio servers of the machine whose files are under `root`. It remembers their process numbers."""

    def __init__(self, root: Path) -> None:
        self._proc = root / "proc"
        self._pids: list[str] = []
        self._searched = -SEARCH_SECONDS
        self._switches: dict[LabelValues, float] = {}
        self._seen: dict[tuple[str, str], int] = {}

    def families(self) -> list[Family]:
        """Return switches and priority by server and thread name. Threads of one name are added up."""
        found = list(threads(self._proc, self._current()))[:_MOST_THREADS]
        self._count(found)
        return [
            counter(
                "host_audio_server_context_switches_total",
                "Context switches of an audio server's threads: waits (voluntary) and preemptions (involuntary).",
                self._switches,
                ("process", "thread", "kind"),
            ),
            gauge(
                "host_audio_server_thread_priority",
                "Real-time priority of an audio server's threads, the highest of one name; 0 without one.",
                _priorities(found),
                ("process", "thread", "policy"),
            ),
        ]

    def check(self) -> list[Finding]:
        """Return one finding for each audio server that has no real-time thread."""
        return check(threads(self._proc, self._current()))

    def _current(self) -> list[str]:
        if time.monotonic() - self._searched >= SEARCH_SECONDS:
            self._pids = servers(self._proc)
            self._searched = time.monotonic()
        return self._pids

    def _count(self, found: list[Thread]) -> None:
        """Add each thread's switches since the last look, so that no counter falls when a thread ends."""
        seen: dict[tuple[str, str], int] = {}
        switches: dict[LabelValues, float] = {}
        for thread in found:
            for kind, count in (("voluntary", thread.voluntary), ("involuntary", thread.involuntary)):
                labels = (thread.process, thread.name, kind)
                before = switches.get(labels, self._switches.get(labels, 0.0))
                switches[labels] = before + max(count - self._seen.get((thread.id, kind), 0), 0)
                seen[thread.id, kind] = count
        self._switches, self._seen = switches, seen


def check(found: Iterable[Thread]) -> list[Finding]:
    """Return one finding for each audio server that has no real-time thread."""
    by_process: dict[str, list[Thread]] = {}
    for thread in found:
        by_process.setdefault(thread.process, []).append(thread)
    return [
        Finding(
            code="audio-server-not-realtime",
            title=f"{process} runs without real-time priority",
            severity=Severity.WARNING,
            detail=f"Expected a thread of {process} scheduled as fifo or rr, found {len(own)} that are not.",
            affects="Any busy program can delay audio: it drops out under load.",
            remedy=_allow_real_time(),
        )
        for process, own in by_process.items()
        if process in RENDERING and not any(thread.is_real_time for thread in own)
    ]


def _priorities(found: list[Thread]) -> dict[LabelValues, float]:
    highest: dict[tuple[str, str], Thread] = {}
    for thread in sorted(found, key=lambda thread: thread.priority):
        highest[thread.process, thread.name] = thread
    return {(it.process, it.name, it.policy): it.priority for it in highest.values()}


def _name(directory: Path) -> str:
    try:
        return read_text(directory / "comm").rstrip("\n")
    except OSError:
        return ""


def _entries(directory: Path) -> list[str]:
    try:
        return [entry.name for entry in directory.iterdir()]
    except OSError:
        return []
