from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.audio.probe.protocol import MAX_CHANNELS
from collectors.audio.probe.sample_levels import FULL_SCALE, channel_levels

SAMPLES = st.one_of(
    st.sampled_from([0.0, -0.0, 1.0, -1.0, FULL_SCALE, 1e-40, 2.0, 1e30, math.nan, math.inf, -math.inf]),
    st.floats(-1.0, 1.0, width=32),
)


def levels(*channels: list[float]) -> list[tuple[float, ...]]:
    numbers = channel_levels(np.array(channels, np.float32).T)
    return [tuple(numbers[start : start + 4]) for start in range(0, len(numbers), 4)]


def naive(channel: list[float]) -> tuple[float, float, int, int]:
    """Return the same numbers, computed sample by sample."""
    samples = [float(np.nan_to_num(np.float32(sample))) for sample in channel]
    tail = 0
    for sample in reversed(samples):
        if sample != 0:
            break
        tail += 1
    return (
        max((abs(sample) for sample in samples), default=0.0),
        math.fsum(sample * sample for sample in samples),
        sum(abs(sample) >= FULL_SCALE for sample in samples),
        tail,
    )


@st.composite
def blocks(draw: st.DrawFn) -> list[list[float]]:
    """Some channels of equal length, made of runs, so that long silences happen too."""
    frames = draw(st.sampled_from([0, 1, 2, 3, 63, 64, 65, 128, 300]))
    channels = draw(st.integers(1, 5))
    return [draw(_runs(frames)) for _ in range(channels)]


@st.composite
def _runs(draw: st.DrawFn, frames: int) -> list[float]:
    samples: list[float] = []
    while len(samples) < frames:
        samples += [draw(SAMPLES)] * draw(st.integers(1, frames))
    return samples[:frames]


@given(blocks())
def test_levels_are_those_of_a_naive_computation(channels: list[list[float]]) -> None:
    for found, expected in zip(levels(*channels), map(naive, channels), strict=True):
        assert found[0] == expected[0]
        assert found[1] == pytest.approx(expected[1], rel=1e-5, abs=1e-30)
        assert found[2:] == expected[2:]


def test_as_many_channels_as_there_may_be_are_told_apart() -> None:
    frames = 12_001
    channels = [[(channel + 1) / 100 * (-1) ** frame for frame in range(frames)] for channel in range(MAX_CHANNELS)]
    found = levels(*channels)

    assert [peak for peak, *_ in found] == pytest.approx([(channel + 1) / 100 for channel in range(MAX_CHANNELS)])
    assert [squares / frames for _, squares, *_ in found] == pytest.approx(
        [((channel + 1) / 100) ** 2 for channel in range(MAX_CHANNELS)], rel=1e-5
    )


def test_each_channel_has_its_peak_squares_clipped_samples_and_silence_at_the_end() -> None:
    assert levels([0.5, 0.0, -0.5], [1.0, -1.0, 0.0], [0.0, 0.0, 0.0]) == [
        (0.5, 0.5, 0, 0),
        (1.0, 2.0, 2, 1),
        (0.0, 0.0, 0, 3),
    ]


def test_the_highest_sample_of_a_16_bit_converter_is_clipped() -> None:
    assert [int(channel[2]) for channel in levels([32767 / 32768, -1.0], [32766 / 32768, 0.0])] == [2, 0]


def test_a_sample_that_is_no_number_does_not_spoil_the_rest() -> None:
    ((peak, squares, clipped, silent),) = levels([float("nan"), 0.5, float("nan")])

    assert (peak, squares, clipped, silent) == (0.5, 0.25, 0, 1)


def test_no_samples_are_no_levels() -> None:
    assert levels([]) == [(0.0, 0.0, 0, 0)]
