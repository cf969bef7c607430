from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from collectors.audio.probe.callback import StreamCallback
from collectors.audio.probe.protocol import BUFFER_RECORD
from collectors.audio.probe.ring import RingReader, RingWriter, ring_bytes, shared_memory

CAPACITY = 16


class Ends:
    """A callback and the other end of its ring."""

    def __init__(self) -> None:
        descriptor = shared_memory("wr-test", ring_bytes(BUFFER_RECORD, CAPACITY))
        self.writer = RingWriter(descriptor, BUFFER_RECORD, CAPACITY)
        self.reader = RingReader(descriptor, BUFFER_RECORD, CAPACITY)
        self.callback = StreamCallback(lambda times: (times["current_time"], 7, 512), self.writer, outputs=2)
        os.close(descriptor)


@pytest.fixture
def ends() -> Iterator[Ends]:
    both = Ends()
    yield both
    both.writer.close()
    both.reader.close()


@pytest.mark.parametrize(("samples", "answer"), [(b"\1" * 16, None), (None, bytes(2 * 2 * 4))])
def test_the_callback_notes_the_buffer_and_feeds_an_output_with_silence(
    ends: Ends, samples: bytes | None, answer: bytes | None
) -> None:
    answered = ends.callback(samples, 2, {"current_time": 1.5}, 6)

    assert (answer, 0) == answered
    assert [BUFFER_RECORD.pack(1.5, 7, 6, 2, 512)] == ends.reader.read()
    assert (samples or b"") == ends.callback.take()
    assert ends.callback.take() == b""
