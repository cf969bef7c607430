"""The delay of a participant as the kernel's counters show it."""

from __future__ import annotations

from collectors.audio.causes.analysis import accounts
from collectors.audio.causes.analysis.scene import Delay, Scene, Split
from collectors.audio.causes.analysis.thread_states import ASLEEP, DISK, STOPPED
from collectors.audio.causes.evidence import ThreadTrack

_SLICES_OF_ROUNDING = 1.5
"""Looks are taken at any moment of a cycle."""


def by_looks(scene: Scene, name: str, track: ThreadTrack) -> Delay | None:
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
        name, scene.role(track), track.pid, track, spans, late_ns, split.scaled(late_ns), longest_ns, resting=resting
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
    """Return whether each other thread of the process ran: a stop and its end switch all of them in.

    Among a server's threads is one that otherwise waits for a signal only.
    """
    others = [it for it in scene.evidence.threads if it.pid == track.pid and it.tid != track.tid]
    found = [accounts.account(it, scene.start_ns, scene.end_ns) for it in others]
    return len(others) > 1 and all(it is not None and it.slices > 0 for it in found)
