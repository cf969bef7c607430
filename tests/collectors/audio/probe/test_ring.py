from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from struct import Struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.audio.probe.ring import RingReader, RingWriter, ring_bytes, shared_memory

RECORD = Struct("=QQ")
CAPACITY = 8
SLOTS_AT = 64
CHECKSUM_BYTES = 4

_FLOOD = """
import sys
from struct import Struct
from collectors.audio.probe.ring import RingWriter
writer = RingWriter(int(sys.argv[1]), Struct("=QQ"), 64)
for number in range(200_000):
    writer.write(number, ~number & 0xFFFF_FFFF_FFFF_FFFF)
"""


@pytest.fixture
def descriptor() -> Iterator[int]:
    descriptor = shared_memory("wr-test", ring_bytes(RECORD, 64))
    yield descriptor
    os.close(descriptor)


def test_what_is_written_is_read_once(descriptor: int) -> None:
    writer, reader = RingWriter(descriptor, RECORD, CAPACITY), RingReader(descriptor, RECORD, CAPACITY)
    writer.write(1, 10)
    writer.write(2, 20)

    assert [RECORD.pack(1, 10), RECORD.pack(2, 20)] == reader.read()
    assert reader.read() == []
    assert reader.overruns == 0


@given(st.lists(st.integers(0, 3 * CAPACITY)))
def test_every_record_is_read_whole_and_in_order_or_counted_as_overrun(bursts: list[int]) -> None:
    descriptor = shared_memory("wr-test", ring_bytes(RECORD, CAPACITY))
    writer, reader = RingWriter(descriptor, RECORD, CAPACITY), RingReader(descriptor, RECORD, CAPACITY)
    os.close(descriptor)
    numbers = iter(range(1_000_000))
    seen = []
    for burst in bursts:
        for number in (next(numbers) for _ in range(burst)):
            writer.write(number, number)
        seen += [RECORD.unpack(record) for record in reader.read()]

    assert [(number, number) for number, _ in seen] == seen
    assert sorted(seen) == seen
    assert sum(bursts) == len(seen) + reader.overruns
    assert all(burst <= CAPACITY for burst in bursts) == (reader.overruns == 0)
    writer.close()
    reader.close()


def test_a_reader_beside_a_flooding_process_sees_no_torn_record(descriptor: int) -> None:
    reader = RingReader(descriptor, RECORD, 64)
    root = str(Path(__file__).parents[4])
    flood = subprocess.Popen([sys.executable, "-c", _FLOOD, str(descriptor)], pass_fds=[descriptor], cwd=root)
    seen = []
    while flood.poll() is None:
        seen += reader.read()
    seen += reader.read()
    numbers = [RECORD.unpack(record) for record in seen]

    assert flood.returncode == 0
    assert all(first ^ second == 0xFFFF_FFFF_FFFF_FFFF for first, second in numbers)
    assert sorted(numbers) == numbers
    assert len(seen) + reader.overruns == 200_000
    reader.close()


@pytest.mark.parametrize("byte", range(RECORD.size + CHECKSUM_BYTES))
def test_a_record_of_which_a_byte_is_not_visible_yet_is_read_once_it_is(descriptor: int, byte: int) -> None:
    """Some machines show the count before the record."""
    writer, reader = RingWriter(descriptor, RECORD, CAPACITY), RingReader(descriptor, RECORD, CAPACITY)
    writer.write(1, 10)
    writer.write(2, 20)
    hidden = SLOTS_AT + RECORD.size + CHECKSUM_BYTES + byte
    visible = os.pread(descriptor, 1, hidden)
    os.pwrite(descriptor, bytes([visible[0] ^ 0xFF]), hidden)
    early = reader.read()
    os.pwrite(descriptor, visible, hidden)

    assert [RECORD.pack(1, 10)] == early
    assert [RECORD.pack(2, 20)] == reader.read()
    assert reader.overruns == 0


def test_the_record_of_the_lap_before_is_not_taken_for_a_new_one(descriptor: int) -> None:
    writer, reader = RingWriter(descriptor, RECORD, CAPACITY), RingReader(descriptor, RECORD, CAPACITY)
    for _ in range(CAPACITY):
        writer.write(1, 10)
    read = len(reader.read())
    os.pwrite(descriptor, (CAPACITY + 1).to_bytes(8, sys.byteorder), 0)  # the count is visible, the record is not

    assert read == CAPACITY
    assert reader.read() == []


@pytest.mark.parametrize("border", range(1, RECORD.size + CHECKSUM_BYTES))
@pytest.mark.parametrize("old_first", [True, False])
def test_a_record_that_two_laps_have_written_is_none(descriptor: int, border: int, *, old_first: bool) -> None:
    writer, reader = RingWriter(descriptor, RECORD, CAPACITY), RingReader(descriptor, RECORD, CAPACITY)
    writer.write(0, 2**64 - 1)
    old = os.pread(descriptor, RECORD.size + CHECKSUM_BYTES, SLOTS_AT)
    for number in range(1, CAPACITY + 1):
        writer.write(number, 2**64 - 1 - number)
    new = os.pread(descriptor, RECORD.size + CHECKSUM_BYTES, SLOTS_AT)
    first, second = (old, new) if old_first else (new, old)
    os.pwrite(descriptor, first[:border] + second[border:], SLOTS_AT)
    os.pwrite(descriptor, (1).to_bytes(8, sys.byteorder), 0)  # the reader looked at the count a lap ago

    assert reader.read() in ([], [old[: RECORD.size]])


def test_a_reader_that_slept_through_a_lap_counts_what_it_missed(descriptor: int) -> None:
    writer, reader = RingWriter(descriptor, RECORD, CAPACITY), RingReader(descriptor, RECORD, CAPACITY)
    for number in range(CAPACITY + 3):
        writer.write(number, number)

    assert [RECORD.pack(number, number) for number in range(3, CAPACITY + 3)] == reader.read()
    assert reader.overruns == 3


def test_the_memory_has_no_name_that_could_be_left_behind(descriptor: int) -> None:
    assert os.fstat(descriptor).st_nlink == 0
