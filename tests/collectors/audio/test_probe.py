from __future__ import annotations

import os

import numpy as np
import pytest

from collectors.audio.probe import Tap, channel_levels
from collectors.audio.protocol import BUFFER_CAPACITY, BUFFER_RECORD
from collectors.audio.ring import RingReader, RingWriter, ring_bytes, shared_memory


def levels(*channels: list[float]) -> list[tuple[float, ...]]:
    numbers = channel_levels(np.array(channels, np.float32).T)
    return [tuple(numbers[start : start + 4]) for start in range(0, len(numbers), 4)]


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


@pytest.mark.parametrize(("samples", "answer"), [(b"\1" * 16, None), (None, bytes(2 * 2 * 4))])
def test_the_callback_notes_the_buffer_and_feeds_an_output_with_silence(
    samples: bytes | None, answer: bytes | None
) -> None:
    descriptor = shared_memory("wr-test", ring_bytes(BUFFER_RECORD, BUFFER_CAPACITY))
    writer = RingWriter(descriptor, BUFFER_RECORD, BUFFER_CAPACITY)
    reader = RingReader(descriptor, BUFFER_RECORD, BUFFER_CAPACITY)
    os.close(descriptor)
    tap = Tap(writer, outputs=2)
    answered = tap(samples, 2, {"current_time": 1.5}, 6)
    ((device, monotonic, status, frames),) = (BUFFER_RECORD.unpack(record) for record in reader.read())

    assert (answer, 0) == answered
    assert (device, status, frames) == (1.5, 6, 2)
    assert monotonic > 0
    assert (samples or b"") == tap.take()
    assert tap.take() == b""
    writer.close()
    reader.close()
