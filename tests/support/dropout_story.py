"""Evidence of invented dropouts: a simulated JACK graph, seen as the recorder would see it.

Each participant has a processor of its own. So a participant is late only if its story says so.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from collectors.audio.causes.evidence import (
    ClientCycle,
    Cycle,
    Evidence,
    GroupTrack,
    Incident,
    PluginTime,
    ProcessLook,
    ProcessTrack,
    SystemLook,
    ThreadLook,
    ThreadTrack,
    Trace,
    Window,
)

MS = 1_000_000
PERIOD = 5_333_333
DROPOUT = 10_000 * MS
"""The time of the dropout."""
_START, _END = DROPOUT - 3000 * MS, DROPOUT + 600 * MS
_USUAL = 150_000
_BURST = (5, 10, 15, 25, 45, 85, 165)

Piece = tuple[str, float]
"""A state letter (`R` running, `W` runnable, `S`, `D`, `T`) and its milliseconds."""


class _Segment(NamedTuple):
    start: int
    end: int
    state: str


@dataclass(slots=True)
class Actor:
    """One thread of the graph, or of another process.

    Attributes:
        name: The client's or the process's name.
        pid: Its process; the thread is `pid + 1`.
        cpu: Its processor.
        policy: Its policy.
        priority: Its real-time priority.
        late: The pieces of its callback in the first cycle after the dropout's start.
        usual: The nanoseconds of a callback otherwise.
    """

    name: str
    pid: int
    cpu: int
    policy: str = "fifo"
    priority: int = 5
    late: tuple[Piece, ...] = ()
    usual: int = _USUAL
    segments: list[_Segment] = field(default_factory=list)
    callbacks: list[tuple[int, int, int]] = field(default_factory=list)
    sums: list[tuple[int, int, int]] = field(default_factory=list)

    @property
    def tid(self) -> int:
        """The thread."""
        return self.pid + 1

    def state(self, at: int) -> _Segment | None:
        """Return the segment at a time; None while it sleeps between its callbacks."""
        index = bisect_right(self.segments, at, key=lambda segment: segment.start) - 1
        return self.segments[index] if index >= 0 and at < self.segments[index].end else None

    def counters(self, at: int) -> tuple[int, int, int]:
        """Return running and runnable nanoseconds, and the slices, up to a time."""
        index = bisect_left(self.segments, at, key=lambda segment: segment.start)
        if len(self.sums) <= index:
            self._sum()
        running, runnable, slices = self.sums[index]
        last = self.segments[index - 1] if index else None
        if last is not None and last.end > at:
            running -= (last.end - at) * (last.state == "R")
            runnable -= (last.end - at) * (last.state == "W")
        return running, runnable, slices

    def _sum(self) -> None:
        self.sums = [(0, 0, 0)]
        run_until = 0
        for segment in self.segments:
            running, runnable, slices = self.sums[-1]
            length = segment.end - segment.start
            is_running = segment.state == "R"
            self.sums.append(
                (
                    running + length * is_running,
                    runnable + length * (segment.state == "W"),
                    slices + (is_running and segment.start != run_until),
                )
            )
            run_until = segment.end if is_running else 0


@dataclass(slots=True)
class Story:
    """One dropout.

    Attributes:
        realtime: Whether the graph has real-time priority.
        clients: The clients.
        server: The server.
        probe: The agent's client.
        server_late: The pieces before the server's cycle that is due at the dropout.
        hogs: Other threads, with their name and milliseconds.
        idle_woken: Processes whose idle threads were switched in, as after a stop.
        faults: Major page faults of a client's thread.
        ticks: Ticks of the last processor in `/proc/stat` near the dropout, by field.
        incidents: As in `Evidence`.
        groups: As in `Evidence`.
        plugins: As in `Evidence`.
        signals: As in `Trace`.
        interrupts: As in `Trace`.
        observations: As in `Window`.
        overload: Milliseconds that clients, all on one processor, need in each cycle of the 0.6 s before the dropout.
    """

    realtime: bool = True
    clients: dict[str, Actor] = field(default_factory=dict)
    server: Actor = field(default_factory=lambda: Actor("server", 100, 0, priority=10, usual=50_000))
    probe: Actor = field(default_factory=lambda: Actor("wr-agent-probe-x", 900, 7))
    server_late: tuple[Piece, ...] = ()
    hogs: list[tuple[Actor, str, float]] = field(default_factory=list)
    idle_woken: set[int] = field(default_factory=set)
    faults: dict[str, int] = field(default_factory=dict)
    ticks: dict[int, int] = field(default_factory=dict)
    incidents: list[Incident] = field(default_factory=list)
    groups: list[GroupTrack] = field(default_factory=list)
    plugins: list[PluginTime] = field(default_factory=list)
    signals: list[tuple[int, int, int, int]] = field(default_factory=list)
    interrupts: list[tuple[int, int, int, str, str]] = field(default_factory=list)
    observations: tuple[str, ...] = ("jack xrun",)
    overload: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for number, name in enumerate(("reverb", "synth", "drums")):
            self.clients[name] = Actor(name, 200 + 10 * number, 1 + number)
        if not self.realtime:
            for actor in (*self.clients.values(), self.server):
                actor.policy, actor.priority = "other", 0

    def evidence(self, level: int) -> Evidence:
        """Return the evidence of a level."""
        self._play()
        end = max(DROPOUT + 20 * MS, *(actor.segments[-1].start for actor in self._actors() if actor.late), 0)
        window = Window(
            id="1",
            at="2026-01-02T03:04:05.000000006Z",
            device="system",
            server="default",
            start_ns=DROPOUT - 80 * MS,
            end_ns=DROPOUT + 25 * MS if end > DROPOUT + 400 * MS else end,
            silent_ns=0,
            period_ns=PERIOD,
            observations=self.observations,
            load=0.2,
            server_pid=100,
            own_pids=(800, 900),
            cpus=8,
        )
        return Evidence(
            window=window,
            incidents=tuple(self.incidents),
            threads=tuple(self._threads()),
            processes=tuple(self._processes()),
            cycles=tuple(self._cycles()) if level else (),
            system=tuple(self._system()),
            groups=tuple(self.groups),
            plugins=tuple(self.plugins),
            trace=self._trace() if level == 2 else None,
        )

    def _actors(self) -> list[Actor]:
        return [self.server, *self.clients.values(), self.probe]

    def _play(self) -> None:
        at, is_late = _START, False
        busy = dict.fromkeys((actor.name for actor in self._actors()), 0)
        for name in self.overload:
            self.clients[name].cpu = 1
        for actor in self._actors():
            actor.segments, actor.callbacks, actor.sums = [], [], []
        while at < _END:
            if at >= DROPOUT and not is_late:
                is_late = True
                at = self._delay(self.server, at, self.server_late)
            self.server.segments.append(_Segment(at, at + self.server.usual, "R"))
            for actor in (*self.clients.values(), self.probe):
                self._cycle(actor, at + self.server.usual, busy)
            due = at + PERIOD
            at = due
        for hog, _, _ in self.hogs:
            hog.segments = [_Segment(hog.segments[0].start, hog.segments[0].end, "R")] if hog.segments else []

    def _cycle(self, actor: Actor, signalled: int, busy: dict[str, int]) -> None:
        if busy[actor.name] > signalled:
            return
        late = signalled >= DROPOUT and not any(begin >= DROPOUT for begin, _, _ in actor.callbacks)
        at = signalled + 10_000
        pieces = actor.late if late else ()
        waited = [piece for piece in pieces[:1] if piece[0] in "WT" and len(pieces) == 1]
        at = self._delay(actor, at, tuple(waited))
        length = actor.usual
        if actor.name in self.overload and DROPOUT - 600 * MS <= signalled < DROPOUT:
            length = round(self.overload[actor.name] * MS)
            others = [busy[name] for name in self.overload if name != actor.name]
            at = self._delay(actor, at, (("W", max(*others, at) / MS - at / MS),))
        awake = at
        at = self._delay(actor, at, () if waited else pieces)
        actor.segments.append(_Segment(at, at + length, "R"))
        actor.callbacks.append((signalled, awake, at + length))
        busy[actor.name] = at + length

    @staticmethod
    def _delay(actor: Actor, at: int, pieces: Sequence[Piece]) -> int:
        for state, milliseconds in pieces:
            end = at + round(milliseconds * MS)
            if end == at:
                continue
            actor.segments.append(_Segment(at, end, state))
            at = end
        return at

    def hog(self, name: str, pid: int, victim: Actor, ms: float, priority: int = 80) -> None:
        """Let a process take a participant's processor."""
        policy = "fifo" if priority else "other"
        hog = Actor(name, pid, victim.cpu, policy, priority)
        hog.segments = [_Segment(DROPOUT, DROPOUT + round(ms * MS), "R")]
        self.hogs.append((hog, name, ms))

    def _looks(self) -> list[int]:
        regular = range(_START, _END, 100 * MS)
        return sorted({*regular, *(DROPOUT + ms * MS for ms in _BURST)})

    def _threads(self) -> Iterator[ThreadTrack]:
        roles = {"server": "server", self.probe.name: "probe"}
        for actor in self._actors():
            role = roles.get(actor.name, "client")
            client = "" if role == "server" else actor.name
            looks = tuple(self._thread_look(actor, at) for at in self._looks())
            yield ThreadTrack(
                tid=actor.tid, pid=actor.pid, name=actor.name, role=role, client=client, policy=actor.policy,
                priority=actor.priority, affinity=(), looks=looks,
            )  # fmt: skip
            for number in (2, 3):
                idle = tuple(
                    ThreadLook(at, 1000, 0, 3 + (actor.pid in self.idle_woken and at > DROPOUT), "S", actor.cpu, 0, 0)
                    for at in self._looks()
                )
                yield ThreadTrack(
                    tid=actor.pid + number, pid=actor.pid, name="idle", role=role, client=client, policy="other",
                    priority=0, affinity=(), looks=idle,
                )  # fmt: skip

    def _thread_look(self, actor: Actor, at: int) -> ThreadLook:
        running, runnable, slices = actor.counters(at)
        segment = actor.state(at)
        letter = {"W": "R", None: "S"}.get(segment.state if segment else None, segment.state if segment else "S")
        faults = self.faults.get(actor.name, 0) if at > DROPOUT else 0
        return ThreadLook(at, running, runnable, slices, letter, actor.cpu, faults, 0)

    def _processes(self) -> Iterator[ProcessTrack]:
        for actor in (*self._actors(), *(hog for hog, _, _ in self.hogs)):
            looks = tuple(ProcessLook(at, actor.counters(at)[0], "S", actor.cpu) for at in self._looks())
            yield ProcessTrack(
                pid=actor.pid, parent=1, name=actor.name, user=1000, policy=actor.policy, priority=actor.priority,
                nice=0, affinity=(), cgroup="/", started_ns=0, ended_ns=0, looks=looks,
            )  # fmt: skip

    def _cycles(self) -> Iterator[Cycle]:
        starts = [segment.start + self.server.usual for segment in self.server.segments if segment.state == "R"]
        for _, awake, _ in self.probe.callbacks:
            at = awake + 60_000
            yield Cycle(at, tuple(self._row(actor, at, starts) for actor in (*self.clients.values(), self.probe)))

    def _row(self, actor: Actor, at: int, starts: Sequence[int]) -> ClientCycle:
        signalled = starts[bisect_right(starts, at) - 1] if starts[0] <= at else 0
        begun = bisect_right(actor.callbacks, at, key=lambda callback: callback[1])
        ended = bisect_right(actor.callbacks, at, key=lambda callback: callback[2])
        awake = actor.callbacks[begun - 1][1] if begun else 0
        finished = actor.callbacks[ended - 1][2] if ended else 0
        state = "running" if awake > finished else "triggered" if signalled > finished else "finished"
        return ClientCycle(actor.name, signalled, awake, finished, state)

    def _system(self) -> Iterator[SystemLook]:
        for at in self._looks():
            ticks = [self.ticks.get(number, 0) if at > DROPOUT else 0 for number in range(8)]
            yield SystemLook(at_ns=at, cpus=((0,) * 8, tuple(ticks)), softirqs={"NET_RX": ticks[6] * 100})

    def _trace(self) -> Trace:
        actors = [*self._actors(), *(hog for hog, _, _ in self.hogs)]
        switches = sorted(switch for actor in actors for switch in self._switches(actor))
        wakes = sorted(wake for actor in actors for wake in self._wakes(actor))
        names = {actor.tid: (actor.pid, actor.name, actor.priority) for actor in actors}
        return Trace(
            start_ns=_START,
            end_ns=DROPOUT + 500 * MS,
            names=names,
            switches=tuple(switches),
            wakes=tuple(wakes),
            interrupts=tuple(self.interrupts),
            signals=tuple(self.signals),
        )

    def _switches(self, actor: Actor) -> Iterator[tuple[int, int, int, str, int, int]]:
        """Yield the switches to a thread and away from it."""
        for index, segment in enumerate(actor.segments):
            following = actor.segments[index + 1] if index + 1 < len(actor.segments) else None
            if segment.state != "R":
                continue
            yield segment.start, actor.cpu, 0, "R", actor.tid, actor.priority
            joined = following if following is not None and following.start == segment.end else None
            state = {"R": None, "W": "R"}.get(joined.state, joined.state) if joined else "S"
            if state is not None:
                yield segment.end, actor.cpu, actor.tid, state, 0, 0

    def _wakes(self, actor: Actor) -> Iterator[tuple[int, int, int, int, int]]:
        before = ""
        end = 0
        for segment in actor.segments:
            if segment.state in "RW" and (segment.start != end or before in "SDT"):
                yield segment.start - 1000, 0, actor.tid, actor.cpu, self.server.tid
            before, end = segment.state, segment.end
