import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.push.codec import Codec, CorruptError
from agent.push.record import STALE, Layout, Record

LAYOUT = Layout((b"one", b"two", b"three"))


def record(values: bytes, layout: Layout = LAYOUT, group: int = 0) -> Record:
    return Record(group, 1000, layout, values)


def packed(*values: float) -> bytes:
    return struct.pack(f"<{len(values)}d", *values)


def test_records_are_read_as_they_were_written() -> None:
    other = Layout((b"three", b"four"))
    written = [
        record(packed(1, 2, 3)),
        record(packed(9, 9), other, group=1),
        record(packed(1, 2.5, 3)),
        record(packed(3, 4), other),
        record(packed(9, 9.5), other, group=1),
        record(packed(5) + STALE, other),
    ]
    writer, reader = Codec(), Codec()

    read = [reader.decode(writer.encode(one), number) for number, one in enumerate(written)]

    assert [(one.group, one.time, one.layout.series, one.values) for one in read] == [
        (one.group, one.time, one.layout.series, one.values) for one in written
    ]
    assert read[0].layout is read[2].layout
    assert read[-1].live() == {b"three": None}


def test_an_unchanged_snapshot_takes_few_bytes() -> None:
    layout = Layout(tuple(b"%d" % n for n in range(1500)))
    codec = Codec()
    codec.encode(record(packed(*range(1500)), layout))

    assert len(codec.encode(record(packed(*range(1500)), layout))) < 50


@given(st.lists(st.lists(st.floats(width=64), min_size=3, max_size=3), min_size=1, max_size=8))
def test_every_bit_of_a_value_survives(rows: list[list[float]]) -> None:
    writer, reader = Codec(), Codec()

    for number, row in enumerate(rows):
        values = packed(*row)
        assert reader.decode(writer.encode(record(values)), number).values == values


def test_a_writer_goes_on_after_what_a_reader_has_read() -> None:
    writer, middle, reader = Codec(), Codec(), Codec()
    first = writer.encode(record(packed(1, 2, 3)))
    middle.decode(first, 0)

    second = middle.encode(record(packed(1, 2, 4, 5), Layout((*LAYOUT.series, b"four"))))

    reader.decode(first, 0)
    assert reader.decode(second, 1).values == packed(1, 2, 4, 5)


@pytest.mark.parametrize("payload", [b"", b"\0" * 20, b"\1" * 200])
def test_other_bytes_are_no_record(payload: bytes) -> None:
    with pytest.raises(CorruptError):
        Codec().decode(payload, 0)
