"""The delay of a participant as the kernel's trace shows it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from collectors.audio.causes.analysis.scene import Delay, Scene, Split
from collectors.audio.causes.analysis.schedule import Schedule
from collectors.audio.causes.analysis.thread_states import ASLEEP, DISK, ENDED, RUNNABLE, RUNNING, STOPPED, Span
from collectors.audio.causes.evidence import ThreadTrack


def by_trace(scene: Scene, name: str, track: ThreadTrack) -> Delay | None:
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
    role = scene.role(track)
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
