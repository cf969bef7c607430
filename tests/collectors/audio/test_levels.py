from __future__ import annotations

import pytest

from collectors.audio.levels import WINDOW_SECONDS, LevelMeter
from collectors.audio.probe.protocol import level_record

RATE = 1000
BLOCK = 100


def block(peak: float, square: float = 0.0, clipped: int = 0, tail: int = 0, load: float = 0.25) -> bytes:
    return level_record(1).pack(BLOCK, load, peak, BLOCK * square, clipped, tail)


def test_nothing_is_known_before_the_first_block() -> None:
    assert LevelMeter(2, RATE).value() == ()


def test_peak_is_the_highest_and_rms_the_mean_of_the_window() -> None:
    meter = LevelMeter(1, RATE)
    meter.fold(block(0.5, 0.04))
    meter.fold(block(0.25, 0.0))
    (level,) = meter.value()

    assert level.peak == 0.5
    assert level.rms == pytest.approx(0.02**0.5)
    assert meter.load == 0.25


def test_a_peak_stays_for_the_window_and_then_goes() -> None:
    meter = LevelMeter(1, RATE)
    meter.fold(block(1.0))
    for _ in range(WINDOW_SECONDS * RATE // BLOCK - 1):
        meter.fold(block(0.125))
    within = meter.value()[0].peak
    for _ in range(2 * RATE // BLOCK):
        meter.fold(block(0.125))

    assert (within, meter.value()[0].peak) == (1.0, 0.125)


def test_silence_adds_up_until_there_is_sound() -> None:
    meter = LevelMeter(1, RATE)
    meter.fold(block(0.5, tail=30))
    meter.fold(block(0.0, tail=BLOCK))
    silent = meter.value()[0].silent_seconds
    meter.fold(block(0.5, tail=0))

    assert (silent, meter.value()[0].silent_seconds) == (0.13, 0.0)


def test_clipped_samples_come_back_for_each_channel() -> None:
    meter = LevelMeter(2, RATE)

    assert meter.fold(level_record(2).pack(BLOCK, 0.0, 1.0, 1.0, 3, 0, 0.0, 0.0, 0, BLOCK)) == [3, 0]


def test_a_channel_has_been_heard_once_it_carried_sound() -> None:
    meter = LevelMeter(1, RATE)
    meter.fold(block(0.0, tail=BLOCK))
    before = meter.value()[0].heard
    meter.fold(block(0.5))
    meter.fold(block(0.0, tail=BLOCK))

    assert (before, meter.value()[0].heard) == (False, True)
