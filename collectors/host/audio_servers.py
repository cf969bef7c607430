"""The threads of the audio servers that run here: are they real-time, and how often do they have to give way.

An involuntary switch of a real-time thread means that something still more urgent ran, or that its time was up: the
kind of trouble that becomes a dropout.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from collectors.findings import Finding, Severity
from collectors.kernel_files import read_text
from collectors.metrics import Family, LabelValues, counter, gauge

SERVERS = frozenset({"jackd", "jackdbus", "pipewire", "pipewire-pulse", "pulseaudio", "wireplumber"})
"""By the name of the process, of which the kernel keeps 15 characters."""

RENDERING = frozenset({"jackd", "pipewire", "pulseaudio"})
"""Those that cannot do their work in time without a real-time thread."""

SEARCH_SECONDS = 30.0
"""How long a server that was started may go unnoticed: all processes have to be looked at to find it."""

_POLICIES = {0: "other", 1: "fifo", 2: "rr", 3: "batch", 5: "idle", 6: "deadline"}  # sched(7), linux/sched.h
_REAL_TIME = frozenset({"fifo", "rr", "deadline"})
_MOST_THREADS = 24
_PRIORITY, _POLICY = 37, 38  # proc_pid_stat(5): fields 40 and 41, where the first after the name is field 3

_REMEDY = (
    "ulimit -r",
    "printf '@audio - rtprio 95\\n@audio - memlock unlimited\\n' | sudo tee /etc/security/limits.d/audio.conf",
    "sudo usermod -aG audio $USER, and log in again",
    "PipeWire and PulseAudio can ask RealtimeKit for it instead: sudo apt install rtkit",
)


@dataclass(frozen=True, slots=True)
class Thread:
    """One thread of an audio server.

    Attributes:
        process: The server's name.
        name: The thread's name.
        id: The thread's number.
        policy: How it is scheduled, such as `fifo` or `other`.
        priority: Its real-time priority, 1 to 99; 0 without one.
        voluntary: How often it went to wait for something.
        involuntary: How often it had to give way.
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
        """Whether it goes before all threads that are not."""
        return self.policy in _REAL_TIME


def parse(process: str, id_: str, stat: str, status: str) -> Thread:
    """A thread from its `stat` (proc_pid_stat(5)) and its `status` (proc_pid_status(5))."""
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
    """The threads of those of these processes that are audio servers now."""
    for pid in pids:
        process = _name(proc / pid)
        for id_ in _entries(proc / pid / "task") if process in SERVERS else ():
            try:
                task = proc / pid / "task" / id_
                yield parse(process, id_, read_text(task / "stat"), read_text(task / "status"))
            except OSError:  # ended while we looked
                continue


def servers(proc: Path) -> list[str]:
    """The numbers of the processes that are audio servers."""
    return [pid for pid in _entries(proc) if pid.isdecimal() and _name(proc / pid) in SERVERS]


class AudioServers:
    """The audio servers of the machine whose files are under `root`; remembers which processes they are."""

    def __init__(self, root: Path) -> None:
        self._proc = root / "proc"
        self._pids: list[str] = []
        self._searched = -SEARCH_SECONDS
        self._switches: dict[LabelValues, float] = {}
        self._seen: dict[tuple[str, str], int] = {}

    def families(self) -> list[Family]:
        """Switches and priority by server and thread name; threads of one name are taken together."""
        found = list(threads(self._proc, self._current()))[:_MOST_THREADS]
        self._count(found)
        return [
            counter(
                "host_audio_server_context_switches_total",
                "How often threads of an audio server went to wait (voluntary) or had to give way (involuntary).",
                self._switches,
                ("process", "thread", "kind"),
            ),
            gauge(
                "host_audio_server_thread_priority",
                "The real-time priority of threads of an audio server, the highest of one name; 0 without one.",
                _priorities(found),
                ("process", "thread", "policy"),
            ),
        ]

    def check(self) -> list[Finding]:
        """One finding for each audio server that has no real-time thread."""
        return check(threads(self._proc, self._current()))

    def _current(self) -> list[str]:
        if time.monotonic() - self._searched >= SEARCH_SECONDS:
            self._pids = servers(self._proc)
            self._searched = time.monotonic()
        return self._pids

    def _count(self, found: list[Thread]) -> None:
        """Add what each thread did since it was seen last, so that no counter falls when one ends."""
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
    """One finding for each audio server that has no real-time thread."""
    by_process: dict[str, list[Thread]] = {}
    for thread in found:
        by_process.setdefault(thread.process, []).append(thread)
    return [
        Finding(
            code="audio-server-not-realtime",
            title=f"{process} runs without real-time priority",
            severity=Severity.WARNING,
            detail=f"Expected a thread of {process} scheduled as fifo or rr, found {len(own)} that are not.",
            affects="Any busy program can hold audio up: it drops out under load.",
            remedy=_REMEDY,
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
