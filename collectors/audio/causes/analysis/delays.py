"""The participants of the graph that were late, and the states in which they spent that time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from collectors.audio.causes.analysis import accounts
from collectors.audio.causes.analysis.graph import Callback, callbacks, usual_ns
from collectors.audio.causes.analysis.schedule import Schedule
from collectors.audio.causes.analysis.thread_states import ASLEEP, DISK, ENDED, RUNNABLE, RUNNING, STOPPED, Span
from collectors.audio.causes.evidence import Evidence, ThreadTrack

BACK_NS = 1_200_000_000
"""JACK's notifier has normal priority: it reported an overload up to 0.94 s after its start."""
_AFTER_NS = 100_000_000
_DEFAULT_PERIOD_NS = 10_000_000
SERVER = "server"
AGENT = "wr-agent"
"""The beginning of the names of the agent's own clients."""
_DRIVERS = frozenset({"system", "freewheel"})
"""The clients inside of JACK's server."""
_SLICES_OF_ROUNDING = 1.5
"""Looks are taken at any moment of a cycle."""
_MOST_IDLE = 5.0
"""The most slices a second of a thread that is idle."""


class Split(NamedTuple):
    """Nanoseconds beyond the usual ones in each state.

    Attributes:
        running: On a processor.
        runnable: Ready to run, without a processor.
        asleep: Waiting for anything else.
        disk: In an uninterruptible wait, such as for a disk.
        stopped: Stopped by a signal or a debugger.
    """

    running: int = 0
    runnable: int = 0
    asleep: int = 0
    disk: int = 0
    stopped: int = 0

    @property
    def total(self) -> int:
        """The sum."""
        return sum(self)

    def scaled(self, total_ns: int) -> Split:
        """Return the split with at most that sum."""
        if self.total <= total_ns:
            return self
        return Split(*(round(part * total_ns / self.total) for part in self))


@dataclass(frozen=True, slots=True)
class Delay:
    """A participant that was late.

    Attributes:
        name: The client's name, or `server`.
        role: `server`, `client` or `agent`.
        pid: Its process; 0 if unknown.
        track: Its audio thread; None if unknown.
        spans: The spans in which it was late, in order of time.
        late_ns: The time beyond the usual one.
        split: The states in which it spent `late_ns`.
        callback_ns: The longest time on a processor within one callback; 0 if unknown.
        inside: Whether it was in its callback, where the graph shows it.
        source: `trace`, `graph` or `looks`.
        resting: The state in which it spent the time that it was neither running nor runnable.
    """

    name: str
    role: str
    pid: int
    track: ThreadTrack | None
    spans: tuple[tuple[int, int], ...]
    late_ns: int
    split: Split
    callback_ns: int = 0
    inside: bool = False
    source: str = "looks"
    resting: str = ASLEEP

    @property
    def start_ns(self) -> int:
        """The start of the first span."""
        return self.spans[0][0]

    @property
    def end_ns(self) -> int:
        """The end of the last span."""
        return self.spans[-1][1]


@dataclass(slots=True)
class Scene:
    """The evidence of one dropout, prepared for questions.

    Attributes:
        evidence: The evidence.
        period_ns: The duration of a buffer.
        start_ns: The start of the time in which the cause is searched.
        end_ns: Its end.
        schedule: The kernel's trace; None without one.
        callbacks: The callbacks of each client; empty without the graph.
        tracks: The audio thread of each participant.
        late: The participants that were late, the latest first.
    """

    evidence: Evidence
    period_ns: int = 0
    start_ns: int = 0
    end_ns: int = 0
    schedule: Schedule | None = None
    callbacks: dict[str, list[Callback]] = field(default_factory=dict)
    tracks: dict[str, ThreadTrack] = field(default_factory=dict)
    late: tuple[Delay, ...] = ()

    @property
    def calm_ns(self) -> int:
        """The time before which everything was as usual, as far as can be known."""
        return self.evidence.window.start_ns - BACK_NS

    @classmethod
    def of(cls, evidence: Evidence) -> Scene:
        """Return the scene of evidence."""
        window = evidence.window
        period_ns = window.period_ns or _DEFAULT_PERIOD_NS
        schedule = Schedule(evidence.trace) if evidence.trace is not None else None
        scene = cls(evidence, period_ns, window.start_ns - 4 * period_ns, window.end_ns + _AFTER_NS, schedule)
        scene.callbacks = {
            AGENT if name.startswith(f"{AGENT}-probe") else name: of_client
            for name, of_client in callbacks(evidence.cycles, 2 * period_ns).items()
            if name not in _DRIVERS
        }
        scene.tracks = dict(_audio_threads(evidence))
        return scene

    def is_own(self, pid: int) -> bool:
        """Return whether a process is the agent's."""
        return pid in self.evidence.window.own_pids

    @property
    def audio_pids(self) -> dict[int, str]:
        """The processes of the graph, with the names of their participants."""
        return {track.pid: name for name, track in self.tracks.items()}


def _audio_threads(evidence: Evidence) -> Iterator[tuple[str, ThreadTrack]]:
    """Yield the thread of each participant that runs the callbacks: the one that is switched in most often."""
    groups: dict[str, list[ThreadTrack]] = {}
    for track in evidence.threads:
        groups.setdefault(_participant(track.role, track.client), []).append(track)
    for name, tracks in groups.items():
        yield name, max(tracks, key=lambda track: (track.priority > 0, _slices(track)))


def _participant(role: str, client: str) -> str:
    """Return the participant's name: the agent's clients are one."""
    if role == "server":
        return SERVER
    return AGENT if role == "probe" or client.startswith(AGENT) else client


def _slices(track: ThreadTrack) -> int:
    return track.looks[-1].slices - track.looks[0].slices if track.looks else 0


def delays(scene: Scene) -> tuple[Delay, ...]:
    """Return the participants that were late, the latest first.

    JACK may report a dropout long after its start. So the search goes back if nothing near the report was late.
    """
    found = _delays(scene)
    if not any(delay.late_ns > scene.period_ns / 2 for delay in found):
        earlier = replace_start(scene, scene.evidence.window.start_ns - BACK_NS)
        found = _delays(earlier)
    scene.late = tuple(sorted(found, key=lambda delay: -delay.late_ns))
    return scene.late


def replace_start(scene: Scene, start_ns: int) -> Scene:
    """Return the scene with an earlier start of the search."""
    scene.start_ns = min(scene.start_ns, start_ns)
    return scene


def _delays(scene: Scene) -> list[Delay]:
    found = []
    for name, track in scene.tracks.items():
        delay = _by_trace(scene, name, track) or _by_looks(scene, name, track)
        if delay is not None:
            found.append(_with_graph(scene, delay))
    seen = {delay.name for delay in found}
    found += [delay for name in scene.callbacks if name not in seen and (delay := _by_graph(scene, name))]
    if scene.callbacks:
        found = [without_turn(delay) for delay in found]
    return [delay for delay in found if delay.late_ns > scene.period_ns / 4]


def _role(scene: Scene, track: ThreadTrack) -> str:
    if track.role == "server":
        return "server"
    return "agent" if scene.is_own(track.pid) else "client"


# By the kernel's trace


def _by_trace(scene: Scene, name: str, track: ThreadTrack) -> Delay | None:
    """Return the delay that the trace shows; None if it does not show the thread."""
    schedule = scene.schedule
    if schedule is None or track.tid not in schedule.threads or scene.end_ns <= schedule.start_ns:
        return None
    calm = _calm(schedule, track.tid, scene)
    spans = []
    split = Split()
    longest_ns = 0
    for start_ns, end_ns in _gaps(schedule, track.tid, scene):
        totals = schedule.totals(track.tid, start_ns, end_ns)
        excess = _excess(totals, calm)
        spans.append((start_ns, end_ns))
        split = Split(*map(sum, zip(split, excess, strict=True)))
        longest_ns = max(longest_ns, totals.get(RUNNING, 0))
    if not spans:
        return None
    late_ns = sum(end - start - scene.period_ns for start, end in spans)
    role = _role(scene, track)
    return Delay(name, role, track.pid, track, tuple(spans), late_ns, split.scaled(late_ns), longest_ns, source="trace")


def _calm(schedule: Schedule, tid: int, scene: Scene) -> dict[str, float]:
    """Return the nanoseconds in each state that are usual in one period."""
    start_ns, end_ns = schedule.start_ns, max(scene.calm_ns, schedule.start_ns)
    periods = (end_ns - start_ns) / scene.period_ns
    if periods < 20:  # noqa: PLR2004 - too few to know what is usual
        return {RUNNING: scene.period_ns * 0.05, ASLEEP: scene.period_ns * 0.95}
    return {kind: total / periods for kind, total in schedule.totals(tid, start_ns, end_ns).items()}


def _excess(totals: dict[str, int], calm: dict[str, float]) -> Split:
    def beyond(kind: str) -> int:
        return max(round(totals.get(kind, 0) - calm.get(kind, 0)), 0)

    return Split(beyond(RUNNING), beyond(RUNNABLE), beyond(ASLEEP), beyond(DISK), beyond(STOPPED) + beyond(ENDED))


def _gaps(schedule: Schedule, tid: int, scene: Scene) -> Iterator[tuple[int, int]]:
    """Yield the times of over one and a half periods from one start of the thread to the next one."""
    limit_ns = scene.period_ns * 3 // 2
    end_ns = min(scene.end_ns, schedule.end_ns)
    begun = list(_cycle_starts(schedule.states(tid, scene.start_ns - scene.period_ns * 2, end_ns)))
    for start_ns, next_ns in zip(begun, [*begun[1:], end_ns], strict=True):
        if next_ns - start_ns > limit_ns:
            yield start_ns, next_ns


def _cycle_starts(spans: Iterable[Span]) -> Iterator[int]:
    """Yield the times at which a thread ran after a sleep: after a preemption, the same cycle goes on."""
    rested = True
    for span in spans:
        if span.kind == RUNNING:
            if rested:
                yield span.start_ns
            rested = False
        elif span.kind != RUNNABLE:
            rested = True


# By looks at counters


def _by_looks(scene: Scene, name: str, track: ThreadTrack) -> Delay | None:
    """Return the delay that the kernel's counters show."""
    found = accounts.account(track, scene.start_ns, scene.end_ns)
    usual = accounts.usual(track, scene.calm_ns)
    if found is None or usual is None or not usual.span_ns or not usual.slices:
        return None
    expected = found.span_ns / usual.span_ns
    running = max(found.run_ns - round(usual.run_ns * expected), 0)
    runnable = max(found.wait_ns - round(usual.wait_ns * expected), 0)
    missing = usual.slices * expected - found.slices - _SLICES_OF_ROUNDING
    deficit = max(missing, 0) * usual.span_ns / usual.slices
    late_ns = round(max(deficit, running + runnable))
    rest = max(late_ns - running - runnable, 0)
    resting = _resting(scene, track, found, rest)
    split = Split(running, runnable)._replace(**{resting: rest})
    per_slice = usual.run_ns / usual.slices
    longest_ns = max(round(found.run_ns - (found.slices - 1) * per_slice), 0)
    spans = ((scene.start_ns, scene.end_ns),)
    return Delay(
        name, _role(scene, track), track.pid, track, spans, late_ns, split.scaled(late_ns), longest_ns, resting=resting
    )


def _resting(scene: Scene, track: ThreadTrack, found: accounts.Account, rest: int) -> str:
    """Return the state in which a thread spent the time that it was neither running nor runnable."""
    letters = accounts.states(track, scene.start_ns, scene.end_ns)
    if "T" in letters or "t" in letters:
        return STOPPED
    if "D" in letters or found.major_faults > 0 or found.block_ns > rest // 2 > 0:
        return DISK
    # An xrun wakes a thread of each client. Only the server's own threads rest until it goes on.
    return STOPPED if track.role == "server" and _was_stopped(scene, track) else ASLEEP


def _was_stopped(scene: Scene, track: ThreadTrack) -> bool:
    """Return whether idle threads of the process ran: a stop and its end switch each thread in."""
    idle = woken = 0
    for other in scene.evidence.threads:
        if other.pid != track.pid or other.tid == track.tid:
            continue
        usual = accounts.usual(other, scene.calm_ns)
        found = accounts.account(other, scene.start_ns, scene.end_ns)
        if usual is None or found is None or usual.slices > _MOST_IDLE * usual.span_ns / 1e9:
            continue
        idle += 1
        woken += found.slices > 0
    return idle > 0 and woken == idle


# By the graph


def _with_graph(scene: Scene, delay: Delay) -> Delay:
    """Return the delay with what the graph knows about its callback."""
    late = _late_callbacks(scene, delay.name)
    if not late:
        return delay
    inside_ns = sum(it.inside_ns for it in late) - usual_ns(scene.callbacks[delay.name], scene.calm_ns) * len(late)
    if delay.source == "trace":
        return replace(delay, inside=inside_ns > delay.late_ns / 2)
    late_ns = max(sum(it.end_ns - it.due_ns for it in late) - scene.period_ns // 8 * len(late), 1)
    rest = max(late_ns - delay.split.total, 0)
    split = delay.split._replace(**{delay.resting: getattr(delay.split, delay.resting) + rest})
    spans = tuple((it.due_ns, it.end_ns) for it in late)
    return replace(
        delay,
        spans=spans,
        late_ns=late_ns,
        split=split.scaled(late_ns),
        callback_ns=min(max(it.inside_ns for it in late), delay.callback_ns),
        inside=inside_ns > late_ns / 2,
        source="graph",
    )


def without_turn(delay: Delay) -> Delay:
    """Return the delay without the time in which a client, outside of its callback, waited for its turn."""
    if delay.role != "client" or delay.inside or not delay.split.asleep:
        return delay
    late_ns = delay.late_ns - delay.split.asleep
    return replace(delay, late_ns=late_ns, split=delay.split._replace(asleep=0))


def _by_graph(scene: Scene, name: str) -> Delay | None:
    """Return the delay of a client whose thread is unknown."""
    late = _late_callbacks(scene, name)
    if not late:
        return None
    late_ns = sum(it.end_ns - it.due_ns for it in late)
    spans = tuple((it.due_ns, it.end_ns) for it in late)
    longest_ns = max(it.inside_ns for it in late)
    return Delay(
        name, "client", 0, None, spans, late_ns, Split(), longest_ns, inside=longest_ns > late_ns / 2, source="graph"
    )


def _late_callbacks(scene: Scene, name: str) -> list[Callback]:
    """Return the callbacks in the time of the search that took far longer than usual."""
    every = scene.callbacks.get(name, [])
    least_ns = max(usual_ns(every, scene.calm_ns) + scene.period_ns // 2, round(0.9 * scene.period_ns))
    near = (it for it in every if it.end_ns >= scene.start_ns and it.due_ns <= scene.end_ns)
    return [it for it in near if it.end_ns - it.due_ns > least_ns]


def of_role(found: Iterable[Delay], role: str) -> list[Delay]:
    """Return the delays of one role."""
    return [delay for delay in found if delay.role == role]
