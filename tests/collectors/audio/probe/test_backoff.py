from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from collectors.audio.probe.backoff import (
    LIMIT,
    LONGEST_REST_NS,
    SHORTEST_REST_NS,
    SURVIVED_NS,
    WINDOW_NS,
    Backoff,
    Machine,
    Step,
    pressure,
)

SECOND = 1_000_000_000
LOOK = SECOND // 4
CALM = Machine(pressure=0.05, load=0.3)
BUSY = Machine(pressure=0.9, load=0.3)


class Probe:
    """A probe's back-off that is polled each quarter second of an injected clock."""

    def __init__(self) -> None:
        self.backoff = Backoff()
        self._total = 0
        self._now = SECOND

    @property
    def step(self) -> Step:
        return self.backoff.step

    def miss(self, polls: int, machine: Machine = BUSY) -> Step:
        """Find a new miss at each poll."""
        return self._poll(polls, 1, lambda: machine)

    def rest(self, nanoseconds: int, machine: Machine = CALM) -> Step:
        """Find none for a time."""
        return self._poll(nanoseconds // LOOK, 0, lambda: machine)

    def close(self, machine: Machine = BUSY) -> None:
        """Miss until the stream is closed."""
        while self.miss(1, machine) != Step.CLOSED:
            pass

    def be_late(self, nanoseconds: int) -> None:
        """Delay the next poll of the agent itself."""
        self._now += nanoseconds
        self.rest(LOOK)

    def seconds_until_retry(self, machine: Machine = CALM) -> float:
        """Rest until the step changes; return the seconds."""
        before, began = self.step, self._now
        while self.rest(LOOK, machine) == before:
            pass
        return (self._now - began) / SECOND

    def _poll(self, polls: int, misses: int, machine: Callable[[], Machine]) -> Step:
        for _ in range(polls):
            self._total += misses
            self._now += LOOK
            self.backoff.see(self._total, self._now, machine)
        return self.step


def closed(machine: Machine = BUSY) -> Probe:
    probe = Probe()
    probe.close(machine)
    return probe


def test_a_few_misses_are_an_accident() -> None:
    backoff = Backoff()
    for second in range(1, 1000):
        backoff.see(second, second * WINDOW_NS // LIMIT)

    assert backoff.step == Step.FULL


def test_one_hold_up_is_an_accident_however_many_misses_it_makes() -> None:
    backoff = Backoff()
    backoff.see(10 * LIMIT, LOOK)
    for look in range(2, 100):
        backoff.see(10 * LIMIT, look * LOOK)

    assert backoff.step == Step.FULL


def test_many_misses_cost_channels_and_more_of_them_the_probe() -> None:
    probe = Probe()
    steps = [probe.miss(polls) for polls in (LIMIT, 1, LIMIT, 1, 3 * LIMIT)]

    assert steps == [Step.FULL, Step.LESS, Step.LESS, Step.CLOSED, Step.CLOSED]


def test_on_a_calm_machine_the_probe_returns_step_by_step_after_half_a_minute_each() -> None:
    probe = closed()
    waits = [probe.seconds_until_retry()]
    first = probe.step
    waits.append(probe.seconds_until_retry())

    assert (first, probe.step) == (Step.LESS, Step.FULL)
    assert waits == [SHORTEST_REST_NS / SECOND] * 2


def test_the_probe_returns_as_soon_as_a_busy_machine_is_calm() -> None:
    probe = closed()

    assert probe.rest(200 * SECOND, BUSY) == Step.CLOSED
    assert probe.seconds_until_retry() == 0.25


@pytest.mark.parametrize(
    ("machine", "retries"),
    [
        (Machine(pressure=0.45, load=0.3), True),  # half of that at the back-off
        (Machine(pressure=0.46, load=0.3), False),
        (Machine(pressure=0.1, load=0.8), True),
        (Machine(pressure=0.1, load=0.81), False),
        (Machine(pressure=0.1), True),
        (Machine(load=0.1), False),  # no PSI
    ],
)
def test_pressure_and_load_decide(machine: Machine, *, retries: bool) -> None:
    probe = closed()

    assert (probe.rest(SHORTEST_REST_NS + SECOND, machine) == Step.LESS) == retries


def test_a_back_off_on_a_calm_machine_leaves_a_fixed_limit_of_pressure() -> None:
    assert closed(CALM).rest(SHORTEST_REST_NS + SECOND, Machine(pressure=0.1)) == Step.LESS
    assert closed(CALM).rest(SHORTEST_REST_NS + SECOND, Machine(pressure=0.11)) == Step.CLOSED


def test_a_delay_of_the_agents_own_polls_shows_a_busy_machine() -> None:
    late, on_time = closed(), closed()
    for probe, delay in ((late, 110_000_000), (on_time, 90_000_000)):
        probe.rest(SHORTEST_REST_NS - SECOND)
        probe.be_late(delay)
        probe.rest(2 * SECOND)

    assert (late.step, on_time.step) == (Step.CLOSED, Step.LESS)
    assert late.rest(WINDOW_NS) == Step.LESS


def test_retries_that_fail_are_ever_rarer_until_one_holds() -> None:
    probe = closed()
    waits = []
    for _ in range(7):
        waits.append(probe.seconds_until_retry())
        probe.close()
    probe.seconds_until_retry()
    probe.rest(SURVIVED_NS)
    probe.rest(SURVIVED_NS)
    probe.close()

    assert waits == [30, 60, 120, 240, 480, 600, 600]
    assert probe.seconds_until_retry() == 30


@pytest.mark.parametrize("machine", [Machine(), BUSY])
def test_after_ten_minutes_the_probe_does_all_its_work_again_in_any_case(machine: Machine) -> None:
    probe = closed()

    assert probe.seconds_until_retry(machine) == LONGEST_REST_NS / SECOND + 0.25
    assert probe.step == Step.FULL


def test_what_it_missed_is_counted() -> None:
    probe = closed()
    probe.rest(20 * SECOND)
    resting = probe.backoff.rested_ns
    probe.seconds_until_retry()
    returned = probe.backoff.rested_ns
    probe.rest(60 * SECOND)

    assert (resting, returned, probe.backoff.rested_ns) == (20 * SECOND, 30 * SECOND, 30 * SECOND)


def test_the_machine_is_measured_only_if_the_answer_matters() -> None:
    asked: list[int] = []

    def machine() -> Machine:
        asked.append(1)
        return BUSY

    backoff = Backoff()
    for look in range(1, 1000):
        backoff.see(0, look * LOOK, machine)

    assert asked == []


def test_pressure_is_the_kernels_mean_of_ten_seconds(tmp_path: Path) -> None:
    file = tmp_path / "cpu"
    file.write_text(
        "some avg10=17.44 avg60=38.86 avg300=72.09 total=49\nfull avg10=1.00 avg60=0.00 avg300=0.00 total=0\n"
    )

    assert pressure(file) == pytest.approx(0.1744)


@pytest.mark.parametrize("text", ["", "some avg10=x avg60=1\n", "\n", "some\n"])
def test_a_kernel_without_pressure_has_none(tmp_path: Path, text: str) -> None:
    file = tmp_path / "cpu"
    file.write_text(text)

    assert pressure(file) is None
    assert pressure(tmp_path / "missing") is None
