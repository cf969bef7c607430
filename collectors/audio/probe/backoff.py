"""The back-off of a probe that misses deadlines: first less work, then none for a while. Pure except `pressure`.

It resumes in steps once the machine is calm, and all at once after `LONGEST_REST_NS` in any case.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from collectors.audio.thresholds import DSP_LOAD
from collectors.kernel_files import read_text

LIMIT = 10
"""The number of polls, of the 40 within `WINDOW_NS`, that may find new misses. One delay is found by one poll."""
WINDOW_NS = 10_000_000_000
SHORTEST_REST_NS = 30_000_000_000
"""The time without a further step before the first retry. Each retry that fails doubles it."""
LONGEST_REST_NS = 600_000_000_000
"""The time without a further step after which the probe does all its work again, calm or not."""
SURVIVED_NS = 120_000_000_000
"""The time after which a retry has succeeded, and the next rest is short again."""
CALM_PRESSURE = 0.1
"""The share of time in which a task waited for a processor, below which the machine is calm."""
_CALMER = 0.5
"""The share of the pressure at the back-off, below which the machine is calm too."""
_POLL_NS = 250_000_000
LATE_NS = 100_000_000
"""The delay of the agent's own poll that shows a busy machine, for `WINDOW_NS`."""
_PRESSURE = Path("/proc/pressure/cpu")


class Step(IntEnum):
    """A step of the back-off: `LESS` is one channel, and a larger buffer where other programs do not share it."""

    FULL = 0
    LESS = 1
    CLOSED = 2


@dataclass(frozen=True, slots=True)
class Machine:
    """The state of the machine.

    Attributes:
        pressure: The share of the last ten seconds in which a task waited for a processor; None if unknown.
        load: The graph's DSP load as a ratio; None if unknown.
    """

    pressure: float | None = None
    load: float | None = None


class Backoff:
    """The back-off, driven by the count of the probe's own misses.

    Attributes:
        step: The present step.
        rested_ns: The time without a stream since the agent started.
    """

    def __init__(self) -> None:
        self.step = Step.FULL
        self.rested_ns = 0
        self._since_ns = 0
        self._seen_ns = 0
        self._late_ns = -WINDOW_NS
        self._total = 0
        self._found_ns: deque[int] = deque()
        self._rest_ns = SHORTEST_REST_NS
        self._is_retry = False
        self._pressure = 0.0

    def see(self, total: int, now_ns: int, machine: Callable[[], Machine] = Machine) -> None:
        """Take in the total of misses, each quarter second, and update the step.

        Args:
            total: The misses so far.
            now_ns: Monotonic time.
            machine: Function that measures the machine. It is called only if the answer matters.
        """
        self._see_poll(now_ns)
        self._see_misses(total, now_ns)
        if self._is_retry and now_ns - self._since_ns >= SURVIVED_NS:
            self._is_retry, self._rest_ns = False, SHORTEST_REST_NS
        if len(self._found_ns) > LIMIT and self.step < Step.CLOSED:
            self._retreat(now_ns, machine())
        elif self.step and now_ns - self._since_ns > LONGEST_REST_NS:
            self._retry(Step.FULL, now_ns)
        elif self.step and now_ns - self._since_ns >= self._rest_ns and self._is_calm(now_ns, machine()):
            self._retry(Step(self.step - 1), now_ns)

    def _see_poll(self, now_ns: int) -> None:
        """Take in the delay of the poll, and the time of a rest."""
        elapsed = now_ns - self._seen_ns if self._seen_ns else 0
        if elapsed > _POLL_NS + LATE_NS:
            self._late_ns = now_ns
        if self.step == Step.CLOSED:
            self.rested_ns += elapsed
        self._seen_ns = now_ns

    def _see_misses(self, total: int, now_ns: int) -> None:
        if total > self._total:
            self._found_ns.append(now_ns)
        self._total = total
        while self._found_ns and self._found_ns[0] <= now_ns - WINDOW_NS:
            self._found_ns.popleft()

    def _is_calm(self, now_ns: int, machine: Machine) -> bool:
        """Return whether the machine would bear more work of the probe."""
        if machine.pressure is None or now_ns - self._late_ns < WINDOW_NS:
            return False
        is_loaded = machine.load is not None and machine.load > DSP_LOAD
        return not is_loaded and machine.pressure <= max(CALM_PRESSURE, self._pressure * _CALMER)

    def _retreat(self, now_ns: int, machine: Machine) -> None:
        if self._is_retry:
            self._rest_ns = min(self._rest_ns * 2, LONGEST_REST_NS)
        self._is_retry = False
        self._pressure = machine.pressure or 0.0
        self._go(Step(self.step + 1), now_ns)

    def _retry(self, step: Step, now_ns: int) -> None:
        self._is_retry = True
        self._go(step, now_ns)

    def _go(self, step: Step, now_ns: int) -> None:
        self.step = step
        self._since_ns = now_ns
        self._found_ns.clear()


def pressure(file: Path = _PRESSURE) -> float | None:
    """Return the share of the last ten seconds in which a task waited for a processor; None without PSI (proc(5))."""
    try:
        fields = dict(word.partition("=")[::2] for word in read_text(file).partition("\n")[0].split())
        return float(fields["avg10"]) / 100
    except (OSError, KeyError, ValueError):
        return None
