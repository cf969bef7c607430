"""The delay of a participant as the kernel's trace shows it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise

from collectors.audio.causes.analysis.graph import Callback
from collectors.audio.causes.analysis.scene import BACK_NS, Delay, Scene, Split
from collectors.audio.causes.analysis.schedule import Schedule
from collectors.audio.causes.analysis.thread_states import (
    ASLEEP,
    DISK,
    ENDED,
    RUNNABLE,
    RUNNING,
    STOPPED,
    UNKNOWN,
    Span,
)
from collectors.audio.causes.evidence import ThreadTrack


def is_shown(scene: Scene, track: ThreadTrack) -> bool:
    """Return whether the trace shows the thread throughout the dropout, so that no other evidence is needed."""
    schedule, window = scene.schedule, scene.evidence.window
    return (
        schedule is not None
        and track.tid in schedule.threads
        and schedule.start_ns <= scene.start_ns
        and schedule.last_ns >= window.end_ns - scene.period_ns
    )


def by_trace(scene: Scene, name: str, track: ThreadTrack) -> Delay | None:
    """Return the delay that the trace shows; None if it shows none."""
    schedule = scene.schedule
    if schedule is None or track.tid not in schedule.threads or scene.end_ns <= schedule.start_ns:
        return None
    gaps = tuple(_gaps(schedule, track.tid, scene))
    return _delay(scene, schedule, name, track, gaps) if gaps else None


def in_callbacks(scene: Scene, name: str, track: ThreadTrack, late: list[Callback]) -> Delay | None:
    """Return the delay in callbacks that were late by the graph, as the trace shows them; None if it does not."""
    schedule = scene.schedule
    if schedule is None or track.tid not in schedule.threads or schedule.last_ns <= late[0].due_ns:
        return None
    spans = tuple((it.due_ns, it.end_ns) for it in late)
    delay = _delay(scene, schedule, name, track, spans)
    inside_ns = sum(it.inside_ns for it in late)
    return replace(delay, inside=inside_ns > sum(end - start for start, end in spans) / 2)


def _delay(
    scene: Scene, schedule: Schedule, name: str, track: ThreadTrack, spans: tuple[tuple[int, int], ...]
) -> Delay:
    calm = _calm(schedule, track.tid, scene)
    totals = [schedule.totals(track.tid, start_ns, end_ns) for start_ns, end_ns in spans]
    split = Split(*map(sum, zip(*(_excess(total, calm) for total in totals), strict=True)))
    late_ns = max(sum(end - start for start, end in spans) - scene.period_ns * len(spans), 1)
    unknown_ns = sum(total.get(UNKNOWN, 0) for total in totals)
    if 0 < unknown_ns < late_ns:  # the trace was frozen meanwhile; the rest was like what it shows
        split = Split(*(round(part * late_ns / (late_ns - unknown_ns)) for part in split))
    longest_ns = min(max(total.get(RUNNING, 0) for total in totals), _longest_inside(scene, name))
    return Delay(
        name, scene.role(track), track.pid, track, spans, late_ns, split.scaled(late_ns), longest_ns, source="trace"
    )


def _longest_inside(scene: Scene, name: str) -> int:
    """Return the length of the longest callback by the graph; the whole search without the graph."""
    near = [it.inside_ns for it in scene.callbacks.get(name, ()) if it.end_ns >= scene.start_ns]
    return max(near, default=scene.end_ns - scene.start_ns)


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
    # A gap may have begun long before the first observation.
    spans = schedule.states(tid, scene.start_ns - BACK_NS, min(scene.end_ns, schedule.last_ns))
    begun = list(_cycle_starts(spans))
    if not begun:
        return
    # The last events of a processor may be missing.
    cpu = next(span.cpu for span in reversed(spans) if span.kind == RUNNING)
    end_ns = min(scene.end_ns, schedule.last_switch_ns(cpu))
    for start_ns, next_ns in pairwise([*begun, max(end_ns, begun[-1])]):
        if next_ns - start_ns > limit_ns and next_ns > scene.start_ns:
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
