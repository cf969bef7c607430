from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.audio.probe.protocol import BUFFER_RECORD
from collectors.audio.timing import Buffer, Cycle, Gap, StreamTiming

RATE = 48_000
FRAMES = 256
DEADLINE = FRAMES / RATE
STEADY = [1.0] * 20


def stream(monotonic: Iterable[float], device: Iterable[float] | None = None, start: float = 100.0) -> list[Buffer]:
    """Buffers whose intervals are given in deadlines, on either clock."""
    monotonic = list(monotonic)
    device = monotonic if device is None else list(device)
    buffers = [Buffer(start, 1_000_000_000, 0, FRAMES)]
    for on_device, on_monotonic in zip(device, monotonic, strict=True):
        last = buffers[-1]
        now = last.monotonic_ns + round(on_monotonic * DEADLINE * 1e9)
        buffers.append(Buffer(last.device_seconds + on_device * DEADLINE, now, 0, FRAMES))
    return buffers


def cycles(buffers: list[Buffer], rate: float = RATE) -> list[Cycle]:
    """The cycles of all buffers; the last one is repeated, as each cycle is known with the buffer after it."""
    timing = StreamTiming(rate)
    last = buffers[-1]
    period = round(last.frames / rate * 1e9)
    after = Buffer(last.device_seconds + period / 1e9, last.monotonic_ns + period, 0, last.frames, last.cycle)
    return [cycle for buffer in (*buffers, after) if (cycle := timing.fold(buffer)) is not None]


def lost(buffers: list[Buffer]) -> list[int]:
    return [cycle.gap.lost for cycle in cycles(buffers) if cycle.gap is not None]


def in_deadlines(found: list[Cycle]) -> list[float]:
    return [round(cycle.span.interval / DEADLINE, 3) for cycle in found]


def test_a_record_is_a_buffer() -> None:
    buffer = Buffer(1.5, 2, 6, 256, 1024)

    assert buffer == Buffer.unpack(BUFFER_RECORD.pack(*buffer))


def test_steady_buffers_have_the_deadline_for_interval_and_no_jitter() -> None:
    found = cycles(stream(STEADY))

    assert in_deadlines(found) == STEADY
    assert max(cycle.jitter for cycle in found) == pytest.approx(0, abs=1e-8)
    assert [cycle.gap for cycle in found if cycle.gap] == []


def test_our_own_lateness_is_not_the_devices() -> None:
    late_callback = [*STEADY, 1.9, 0.1, *STEADY]

    assert in_deadlines(cycles(stream(late_callback, [1.0] * 42))) == [1.0] * 42


@pytest.mark.parametrize("late", [0.5, 0.9])
def test_our_own_lateness_is_our_wakeup_delay_and_no_late_buffer(late: float) -> None:
    found = cycles(stream([*STEADY, 1 + late, 1 - late, *STEADY], [1.0] * 42))

    assert [pytest.approx(late * DEADLINE, rel=0.01) if n == 20 else pytest.approx(0, abs=1e-5) for n in range(42)] == [
        cycle.span.delay for cycle in found
    ]
    assert in_deadlines(found) == [1.0] * 42
    assert sum(cycle.late for cycle in found) == 0


@pytest.mark.parametrize(
    ("monotonic", "device"), [([4.0, 1.0], [1.0, 4.0]), ([4.0, 0.1, 0.1, 0.1], [1.0, 3.1, 0.1, 0.1])]
)
def test_a_callback_that_blocks_the_next_ones_is_our_own_delay(monotonic: list[float], device: list[float]) -> None:
    """JACK drops the client's cycles during the delay; other servers queue buffers."""
    found = cycles(stream([*STEADY, *monotonic, *STEADY], [*STEADY, *device, *STEADY]))

    assert max(cycle.span.delay or 0 for cycle in found) == pytest.approx(3 * DEADLINE, rel=0.01)
    assert sum(cycle.late for cycle in found) == 0


def test_the_servers_lateness_is_a_late_buffer_and_no_wakeup_delay() -> None:
    found = cycles(stream([*STEADY, 1.9, 0.1, *STEADY, 3.0, 0.1, 0.1, 0.8, *STEADY]))

    assert sum(cycle.late for cycle in found) == 2
    assert max(cycle.span.delay or 0 for cycle in found) == pytest.approx(0, abs=1e-5)


def test_lost_buffers_are_not_late_ones() -> None:
    assert sum(cycle.late for cycle in cycles(stream([*STEADY, 5.0, *STEADY]))) == 0


def test_clocks_that_drift_apart_are_no_wakeup_delay() -> None:
    found = cycles(stream([1.0] * 2000, [1 - 200e-6] * 2000))

    assert max(cycle.span.delay or 0 for cycle in found) < 1e-5


def test_while_the_devices_clock_runs_wrong_nothing_is_said_of_our_delay() -> None:
    found = cycles(stream([*STEADY, 282.08, 0.01, *STEADY], [*STEADY, 2.16, 103.01, *[0.57] * 20]))

    assert [cycle.span.delay for cycle in found[20:]] == [None] * 22


def test_jitter_is_the_distance_from_the_deadline_either_way() -> None:
    found = cycles(stream([1.25, 0.75]))

    assert [pytest.approx(DEADLINE / 4)] * 2 == [cycle.jitter for cycle in found]


def test_a_gap_tells_how_many_buffers_are_missing_and_when() -> None:
    buffers = stream([*STEADY, 38.77, 0.07, 1.06, *STEADY])
    gaps = [cycle.gap for cycle in cycles(buffers) if cycle.gap]

    assert [Gap(buffers[20].monotonic_ns, buffers[21].monotonic_ns, 37, 37 * DEADLINE)] == gaps


@pytest.mark.parametrize("caught_up", [[1.9, 0.1], [1.6, 0.7, 0.7], [3.0, 0.1, 0.1, 0.8]])
def test_late_buffers_that_are_caught_up_are_not_lost(caught_up: list[float]) -> None:
    assert lost(stream([*STEADY, *caught_up, *STEADY])) == []


@given(st.integers(1, 500), st.floats(-0.2, 0.2))
def test_lost_buffers_are_counted_whatever_their_number(missing: int, jitter: float) -> None:
    assert [missing] == lost(stream([*STEADY, 1 + missing + jitter, 1 - jitter, *STEADY]))


def test_gaps_close_together_are_one_gap_with_the_sum() -> None:
    assert lost(stream([*STEADY, 3.0, 1.0, 1.0, 4.0, *STEADY])) == [5]


def test_gaps_apart_are_two() -> None:
    assert lost(stream([*STEADY, 3.0, *STEADY, 4.0, *STEADY])) == [2, 3]


@pytest.mark.parametrize("every", [2, 3, 5, 8, 12])
def test_a_server_that_goes_on_losing_buffers_is_told_while_it_does(every: int) -> None:
    found = cycles(stream([2.0, *[1.0] * (every - 1)] * 600))
    gaps = [cycle.gap for cycle in found if cycle.gap]

    assert 540 <= sum(gap.lost for gap in gaps) <= 600
    assert max(gap.end_ns - gap.start_ns for gap in gaps) < 0.5e9


def test_a_server_that_goes_on_being_late_is_told_while_it_is() -> None:
    found = cycles(stream([1.9, 0.1, 1.0, 1.0, 1.0] * 600))

    assert 540 <= sum(cycle.late for cycle in found) <= 600
    assert [cycle.gap for cycle in found if cycle.gap] == []


@pytest.mark.parametrize("buffers", [4, 9, 16])
def test_buffers_that_come_in_bursts_are_not_lost(buffers: int) -> None:
    assert lost(stream([*STEADY, *[buffers, *[0.0] * (buffers - 1)] * 100, *STEADY])) == []


def test_a_gap_that_the_end_of_the_stream_leaves_open_is_told() -> None:
    timing = StreamTiming(RATE)
    found = [timing.fold(buffer) for buffer in stream([*STEADY, 31.0, 1.0, 1.0])]
    gap = timing.finish()

    assert [cycle.gap for cycle in found if cycle and cycle.gap] == []
    assert gap is not None
    assert gap.lost == 30
    assert timing.finish() is None


def test_jacks_clock_wraps() -> None:
    wrap = 2**32 / RATE
    buffers = stream(STEADY, start=wrap - 10.5 * DEADLINE)
    wrapped = [buffer._replace(device_seconds=buffer.device_seconds % wrap) for buffer in buffers]

    assert wrapped[-1].device_seconds < wrapped[0].device_seconds
    assert in_deadlines(cycles(wrapped)) == STEADY


@pytest.mark.parametrize("step", [-3600.0, -1.0, 0.05, 1.0, 3600.0])
def test_a_step_of_the_devices_clock_is_neither_interval_nor_gap(step: float) -> None:
    before = stream([*STEADY, 1.0, *STEADY])
    stepped = before[:21] + [b._replace(device_seconds=b.device_seconds + step) for b in before[21:]]

    assert in_deadlines(cycles(stepped)) == [1.0] * 41
    assert max(cycle.span.delay or 0 for cycle in cycles(stepped)) == pytest.approx(0, abs=1e-5)
    assert lost(stepped) == []


def test_jacks_clock_at_half_speed_after_a_freeze_is_not_believed() -> None:
    """Intervals as measured on jackd 1.9.21 after SIGSTOP for 1.5 s."""
    found = cycles(stream([*STEADY, 282.08, 0.01, *STEADY], [*STEADY, 2.16, 103.01, *[0.57] * 20]))

    assert [282.08, 0.01, *STEADY] == in_deadlines(found)[20:]


def test_the_deadline_follows_the_buffers_own_frames() -> None:
    buffers = [Buffer(0.0, 0, 0, 480), Buffer(0.01, 10_000_000, 0, 480), Buffer(0.03, 30_000_000, 0, 960)]

    assert [pytest.approx(0, abs=1e-9)] * 2 == [cycle.jitter for cycle in cycles(buffers)]


def on_the_servers_clock(cycles: Iterable[int], starts: Iterable[float], delays: Iterable[float]) -> list[Buffer]:
    """Buffers of numbered cycles, which began at these times and reached us so much later, in deadlines."""
    return [
        Buffer(start * DEADLINE, round((start + delay) * DEADLINE * 1e9), 0, FRAMES, (FRAMES * cycle - 5000) % 2**32)
        for cycle, start, delay in zip(cycles, starts, delays, strict=True)
    ]


def test_our_delay_is_counted_from_the_beginning_of_the_servers_cycle() -> None:
    numbers = range(1, 41)
    found = cycles(on_the_servers_clock(numbers, numbers, [0.5 if n == 30 else 0.02 for n in numbers]))

    assert in_deadlines(found) == [1.0] * 39
    assert [0.5 if n == 28 else 0.02 for n in range(39)] == [round((c.span.delay or 0) / DEADLINE, 3) for c in found]
    assert sum(cycle.late for cycle in found) == 0


def test_cycles_that_the_server_ran_without_us_are_missed_not_lost() -> None:
    numbers = [*range(1, 10), *range(40, 60)]
    found = cycles(on_the_servers_clock(numbers, numbers, [0.02] * 29))

    assert [cycle.gap for cycle in found if cycle.gap] == []
    assert sum(cycle.span.missed for cycle in found) == 30
    assert [cycle.is_own_miss for cycle in found].count(True) == 1
    assert in_deadlines(found)[:-1] == [1.0] * 27


def test_cycles_that_the_server_did_not_run_are_lost_not_missed() -> None:
    """Measured on jackd 1.9.21 after SIGSTOP: two cycles without a pause, both with the second one's number."""
    numbers = [*range(1, 10), 11, 11, *range(12, 30)]
    starts = [*range(1, 10), 102.98, 102.98, *range(104, 122)]
    found = cycles(on_the_servers_clock(numbers, starts, [0.02] * 29))

    assert [cycle.gap.lost for cycle in found if cycle.gap] == [92]
    assert sum(cycle.span.missed for cycle in found) == 0
    assert in_deadlines(found)[8] == 93.98


def test_a_server_that_waits_for_a_late_client_loses_buffers() -> None:
    """Measured on jackd 1.9.21 in synchronous mode."""
    numbers = range(1, 40)
    starts = [*range(1, 10), 29.05, 47.6, *range(49, 77)]
    found = cycles(on_the_servers_clock(numbers, starts, [0.02] * 39))

    assert [cycle.gap.lost for cycle in found if cycle.gap] == [37]
    assert sum(cycle.span.missed for cycle in found) == 0


def test_our_own_delay_hides_no_lost_buffer_and_makes_none() -> None:
    numbers = range(1, 60)
    delays = [0.6 if 20 <= n < 32 else 0.02 for n in numbers]
    perfect = cycles(on_the_servers_clock(numbers, numbers, delays))
    starts = [float(n if n < 25 else n + 1) for n in numbers]
    losing = cycles(on_the_servers_clock(numbers, starts, delays))

    assert [cycle.gap for cycle in perfect if cycle.gap] == []
    assert [cycle.gap.lost for cycle in losing if cycle.gap] == [1]


def test_a_number_that_says_more_than_there_was_time_for_is_not_believed() -> None:
    """JACK 1 adds frames to it when it was late."""
    numbers = [*range(1, 10), *range(88, 108)]
    starts = [*range(1, 10), *range(14, 34)]
    found = cycles(on_the_servers_clock(numbers, starts, [0.02] * 29))

    assert [cycle.gap.lost for cycle in found if cycle.gap] == [4]
    assert sum(cycle.span.missed for cycle in found) == 0
    assert [cycle.is_own_miss for cycle in found].count(True) == 0


def test_a_silence_that_no_server_can_have_queued_is_lost_though_it_is_caught_up() -> None:
    """Measured on PipeWire 0.3.65 with a null sink, after SIGSTOP: each cycle reports its planned start."""
    caught_up = [33 + n * 73 // 44 for n in range(45)]
    numbers = [*range(1, 31), *caught_up, *range(107, 130)]
    delays = [*[0.02] * 30, *(max(105.8 - start, 0.02) for start in caught_up), *[0.02] * 23]
    found = cycles(on_the_servers_clock(numbers, numbers, delays))

    (gap,) = [cycle.gap for cycle in found if cycle.gap]
    assert gap.lost == pytest.approx(72, abs=1)
    assert max(cycle.span.delay or 0 for cycle in found) <= 2 * DEADLINE
