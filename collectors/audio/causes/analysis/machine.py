"""The state of the machine near a dropout, from the kernel's counters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

from collectors.audio.causes.analysis.accounts import bracket
from collectors.audio.causes.evidence import SystemLook

_TICK_NS = 10_000_000
_FEWEST_TICKS = 3
"""Fewer ticks of 10 ms can be rounding: the kernel books a whole tick to what it finds at its end."""
_IRQ, _SOFTIRQ, _STEAL = 5, 6, 7
_SLOW = 0.75


@dataclass(frozen=True, slots=True)
class Machine:
    """The counters' growth near a dropout.

    Attributes:
        steal_ns: Time in which the hypervisor ran something else, of the processor with the most of it.
        irq_ns: Time of interrupts, likewise.
        softirq_ns: Time of soft interrupts, likewise.
        busiest: The interrupts and soft interrupts that grew most, beyond their usual rate.
        swapped: Pages swapped in, and pages read for major faults.
        memory_us: Microseconds in which tasks waited for memory.
        io_us: Microseconds in which tasks waited for storage.
        slowdown: The lowest frequency near the dropout, as a part of the highest one before; 1 if unknown.
        throttled: Number of thermal throttle events.
    """

    steal_ns: int = 0
    irq_ns: int = 0
    softirq_ns: int = 0
    busiest: tuple[str, ...] = ()
    swapped: int = 0
    memory_us: int = 0
    io_us: int = 0
    slowdown: float = 1.0
    throttled: int = 0

    @property
    def is_slow(self) -> bool:
        """True if the processors ran far slower than before, or too hot."""
        return self.slowdown < _SLOW or self.throttled > 0


def machine(looks: tuple[SystemLook, ...], start_ns: int, end_ns: int) -> Machine:
    """Return the growth of the counters over at least that time."""
    found = bracket(looks, start_ns, end_ns)
    if found is None:
        return Machine()
    before, after = found
    faults = ("pgmajfault", "pswpin")
    return Machine(
        steal_ns=_most_ticks(before, after, _STEAL),
        irq_ns=_most_ticks(before, after, _IRQ),
        softirq_ns=_most_ticks(before, after, _SOFTIRQ),
        busiest=tuple(_busiest(looks, before, after)),
        swapped=sum(_growth(before.vmstat, after.vmstat, name) for name in faults),
        memory_us=_growth(before.pressure, after.pressure, "memory some"),
        io_us=_growth(before.pressure, after.pressure, "io some"),
        slowdown=_slowdown(looks, start_ns, end_ns),
        throttled=sum(after.throttles) - sum(before.throttles) if before.throttles and after.throttles else 0,
    )


def _most_ticks(before: SystemLook, after: SystemLook, field: int) -> int:
    pairs = zip(before.cpus, after.cpus, strict=False)
    ticks = max((later[field] - earlier[field] for earlier, later in pairs), default=0)
    return ticks * _TICK_NS if ticks >= _FEWEST_TICKS else 0


def _growth(before: Mapping[str, int], after: Mapping[str, int], name: str) -> int:
    return max(after.get(name, 0) - before.get(name, 0), 0) if name in before else 0


def _busiest(looks: tuple[SystemLook, ...], before: SystemLook, after: SystemLook) -> list[str]:
    """Return the names whose count grew most beyond the usual."""
    grown: dict[str, float] = {}
    first = looks[0]
    for field in ("softirqs", "interrupts"):
        earlier, later = getattr(before, field), getattr(after, field)
        base = getattr(first, field)
        seconds = (before.at_ns - first.at_ns) / 1e9
        for name in later:
            usual = _growth(base, earlier, name) / seconds * (after.at_ns - before.at_ns) / 1e9 if seconds > 0 else 0.0
            grown[name] = _growth(earlier, later, name) - usual
    return [name for name in sorted(grown, key=lambda name: -grown[name])[:3] if grown[name] > 0]


def _slowdown(looks: tuple[SystemLook, ...], start_ns: int, end_ns: int) -> float:
    usual = [max(look.megahertz) for look in looks if look.megahertz and look.at_ns < start_ns]
    near = [min(look.megahertz) for look in looks if look.megahertz and start_ns <= look.at_ns <= end_ns + 500_000_000]
    return min(near) / median(usual) if usual and near and median(usual) > 0 else 1.0
