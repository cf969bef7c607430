"""The time of threads and processes between two looks, from the kernel's counters."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, Protocol, TypeVar

from collectors.audio.causes.evidence import ProcessLook, ProcessTrack, ThreadLook, ThreadTrack


class Look(Protocol):
    """A look at anything."""

    @property
    def at_ns(self) -> int:
        """The time of the look."""
        ...


L = TypeVar("L", bound=Look)


def bracket(looks: Sequence[L], start_ns: int, end_ns: int) -> tuple[L, L] | None:
    """Return the last look before a time and the first one after it.

    The first or the last look stands in for one that is missing. None if there are not two of them.
    """
    if len(looks) < 2:  # noqa: PLR2004 - a difference needs two
        return None
    at: Callable[[L], int] = lambda look: look.at_ns  # noqa: E731 - a key
    first = max(bisect_right(looks, start_ns, key=at) - 1, 0)
    last = min(bisect_left(looks, end_ns, key=at), len(looks) - 1)
    return (looks[first], looks[last]) if first < last else None


@dataclass(frozen=True, slots=True)
class Account:
    """The time of one thread between two looks.

    Attributes:
        span_ns: The time between the looks.
        run_ns: Time on a processor.
        wait_ns: Time runnable, but not running.
        slices: Number of times that it was switched in.
        major_faults: Major page faults.
        block_ns: Time of waiting for block I/O, where the kernel counts it.
    """

    span_ns: int
    run_ns: int
    wait_ns: int
    slices: int
    major_faults: int = 0
    block_ns: int = 0


_TICK_NS = 10_000_000
_NEW_NS = 500_000_000
_RATE_NS = 500_000_000


def account(track: ThreadTrack, start_ns: int, end_ns: int) -> Account | None:
    """Return the account of a thread over at least that time; None without two looks."""
    found = bracket(track.looks, start_ns, end_ns)
    if found is None:
        return None
    before, after = found
    faults, blocks = (_growth(track.looks, before, after, field) for field in ("major_faults", "block_ticks"))
    return Account(
        after.at_ns - before.at_ns,
        after.run_ns - before.run_ns,
        after.wait_ns - before.wait_ns,
        after.slices - before.slices,
        faults,
        blocks * _TICK_NS,
    )


def _growth(looks: Sequence[ThreadLook], before: ThreadLook, after: ThreadLook, field: str) -> int:
    """Return the growth of a counter that not every look has."""
    known = [(look.at_ns, int(getattr(look, field))) for look in looks if getattr(look, field) >= 0]
    earlier = [value for at_ns, value in known if at_ns <= before.at_ns]
    later = [value for at_ns, value in known if at_ns >= after.at_ns]
    return max(later[0] - earlier[-1], 0) if earlier and later else 0


def usual(track: ThreadTrack, before_ns: int, seconds: float = 3.0) -> Account | None:
    """Return the account of the time before the dropout."""
    looks = [look for look in track.looks if before_ns - seconds * 1e9 <= look.at_ns <= before_ns]
    if len(looks) < 2:  # noqa: PLR2004
        return None
    return account(track, looks[0].at_ns, looks[-1].at_ns)


def states(track: ThreadTrack, start_ns: int, end_ns: int) -> list[str]:
    """Return the state letters that looks within a time found."""
    return [look.state for look in track.looks if look.state and start_ns <= look.at_ns <= end_ns]


class Usage(NamedTuple):
    """The processor time of one process near a dropout.

    Attributes:
        track: The process.
        ns: Its time within the span, as far as looks tell: the time between two looks counts evenly.
        surge_ns: Its time between the looks around the span, beyond its usual rate before and after them.
        grown_ns: Its time between the looks around the span.
    """

    track: ProcessTrack
    ns: int
    surge_ns: int
    grown_ns: int


def usage(track: ProcessTrack, start_ns: int, end_ns: int) -> Usage:
    """Return the processor time of a process within a span."""
    looks = track.looks
    if track.started_ns >= looks[0].at_ns - _NEW_NS:  # a new process has used nothing before its start
        looks = (ProcessLook(track.started_ns, 0), *looks)
    ns = 0.0
    for before, after in pairwise(looks):
        overlap = min(after.at_ns, end_ns) - max(before.at_ns, start_ns)
        if overlap > 0:
            ns += (after.run_ns - before.run_ns) * overlap / (after.at_ns - before.at_ns)
    found = bracket(looks, start_ns, end_ns)
    if found is None:
        return Usage(track, round(ns), 0, 0)
    first, last = found
    grown = last.run_ns - first.run_ns
    usual = max(_rate(looks, first.at_ns - _RATE_NS, first.at_ns), _rate(looks, last.at_ns, last.at_ns + _RATE_NS))
    return Usage(track, round(ns), max(grown - round(usual * (last.at_ns - first.at_ns)), 0), grown)


def _rate(looks: Sequence[ProcessLook], start_ns: int, end_ns: int) -> float:
    """Return the nanoseconds of processor time in each nanosecond; a process that does nothing has no further looks."""
    within = [look for look in looks if start_ns <= look.at_ns <= end_ns]
    return (within[-1].run_ns - within[0].run_ns) / (end_ns - start_ns) if within else 0.0
