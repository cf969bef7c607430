"""One dropout's evidence, prepared for the analysis: its participants, and those that were late."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from collectors.audio.causes.analysis.graph import Callback, callbacks
from collectors.audio.causes.analysis.schedule import Schedule
from collectors.audio.causes.analysis.thread_states import ASLEEP
from collectors.audio.causes.evidence import Evidence, ThreadTrack

BACK_NS = 1_200_000_000
"""JACK's notifier has normal priority: it reported an overload up to 0.94 s after its start."""
SERVER = "server"
AGENT = "wr-agent"
"""The beginning of the names of the agent's own clients."""
_DRIVERS = frozenset({"system", "freewheel"})
"""The clients inside of JACK's server."""
_AFTER_NS = 100_000_000
_DEFAULT_PERIOD_NS = 10_000_000


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
    def is_stopped(self) -> bool:
        """True if it was stopped for most of that time, which nothing else in the graph causes."""
        return 2 * self.split.stopped > self.late_ns

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

    def go_back(self) -> None:
        """Search from an earlier time on."""
        self.start_ns = self.calm_ns

    def is_own(self, pid: int) -> bool:
        """Return whether a process is the agent's."""
        return pid in self.evidence.window.own_pids

    @property
    def audio_pids(self) -> dict[int, str]:
        """The processes of the graph, with the names of their participants."""
        return {track.pid: name for name, track in self.tracks.items()}

    def role(self, track: ThreadTrack) -> str:
        """Return the role of a participant's thread, as `Delay.role`."""
        if track.role == "server":
            return "server"
        is_own = self.is_own(track.pid) or track.role == "probe" or track.client.startswith(AGENT)
        return "agent" if is_own else "client"


def _audio_threads(evidence: Evidence) -> Iterator[tuple[str, ThreadTrack]]:
    """Yield the thread of each participant that runs the callbacks: the one that is switched in most often."""
    groups: dict[str, list[ThreadTrack]] = {}
    for track in evidence.threads:
        is_own = track.role != "server" and track.pid in evidence.window.own_pids
        name = AGENT if is_own else _participant(track.role, track.client)
        groups.setdefault(name, []).append(track)
    for name, tracks in groups.items():
        yield name, max(tracks, key=lambda track: (track.priority > 0, _slices(track)))


def _participant(role: str, client: str) -> str:
    """Return the participant's name: the agent's clients are one."""
    if role == "server":
        return SERVER
    return AGENT if role == "probe" or client.startswith(AGENT) else client


def _slices(track: ThreadTrack) -> int:
    return track.looks[-1].slices - track.looks[0].slices if track.looks else 0
