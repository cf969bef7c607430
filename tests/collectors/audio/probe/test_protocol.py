import json
import os

import pytest

from collectors.audio.probe.protocol import (
    BUFFER_CAPACITY,
    BUFFER_RECORD,
    LEVEL_CAPACITY,
    MAX_CHANNELS,
    VERSION,
    Exit,
    ProbeRequest,
    Refusal,
    RefusedError,
    StreamInfo,
    TableRequest,
    decode_answer,
    decode_request,
    encode_answer,
    encode_request,
    level_record,
    table_capacity,
    table_record,
)
from collectors.audio.probe.ring import RingWriter, ring_bytes, shared_memory

REQUEST = ProbeRequest("system", jack_only=True, direction="auto", channels=2, frames=0, buffers=7, levels=8)


def test_what_is_said_is_what_this_version_says() -> None:
    """A change of this test needs a new `VERSION`, here as well."""
    requests = ProbeRequest._fields, TableRequest._fields
    said = *requests, StreamInfo._fields, Refusal._fields, [code.value for code in Exit]
    rings = BUFFER_RECORD.format, BUFFER_CAPACITY, level_record(1).format, LEVEL_CAPACITY, table_record(9).format

    assert VERSION == 3
    assert said == (
        ("device", "jack_only", "direction", "channels", "frames", "buffers", "levels", "table"),
        ("path", "offset", "size", "capacity", "copies"),
        ("device", "host_api", "rate", "channels", "input_latency", "output_latency", "inputs"),
        ("code", "message", "devices"),
        [0, 10, 11, 12, 13, 14, 15, 16],
    )
    assert rings == ("=dQIII", 65536, "=IdfdII", 64, "=Q9s")
    assert _ring_with_one_buffer().hex() == (
        "01" + "00" * 63 + "000000000000f03f" + "0200000000000000" + "030000000400000005000000" + "3e3d023e"
    )


def _ring_with_one_buffer() -> bytes:
    descriptor = shared_memory("wr-test", ring_bytes(BUFFER_RECORD, 1))
    writer = RingWriter(descriptor, BUFFER_RECORD, 1)
    writer.write(1, 2, 3, 4, 5)
    writer.close()
    try:
        return os.pread(descriptor, 4096, 0)
    finally:
        os.close(descriptor)


def test_a_request_survives_its_argument() -> None:
    with_table = REQUEST._replace(table=TableRequest("jack-0-0", 38_101_532, 448, 1126, 9))

    assert decode_request(encode_request(REQUEST)) == REQUEST
    assert decode_request(encode_request(with_table)) == with_table


@pytest.mark.parametrize(("size", "frames", "seconds"), [(448, 256, 6), (448, 32, 6), (7168, 256, 3)])
def test_copies_of_the_table_cover_the_last_seconds_in_bounded_memory(size: int, frames: int, seconds: int) -> None:
    copies = table_capacity(size, 48_000, frames)

    assert copies * frames / 48_000 >= seconds
    assert copies * table_record(size).size < 5 << 20


@pytest.mark.parametrize(
    "fields", [{}, {"version": VERSION + 1, "unheard": "of"}, {"version": VERSION - 1, **REQUEST._asdict()}]
)
def test_a_request_of_another_version_is_refused_unread(fields: dict[str, object]) -> None:
    with pytest.raises(RefusedError, match=rf"version (None|\d) .* the probe {VERSION}") as refused:
        decode_request(json.dumps(fields))

    assert refused.value.refusal.code == Exit.OTHER_VERSION


@pytest.mark.parametrize(
    "answer",
    [
        StreamInfo("system", "JACK Audio Connection Kit", 48000.0, 2, 0.005, 0.0),
        Refusal(Exit.DEVICE_NOT_FOUND, "no audio device is named 'x'", ("system", "Überton")),
    ],
)
def test_an_answer_survives_its_line(answer: StreamInfo | Refusal) -> None:
    line = encode_answer(answer)

    assert answer == decode_answer(line)
    assert line.count(b"\n") == 1


@pytest.mark.parametrize("line", [b"ALSA lib: no cards\n", b"{}\n", b""])
def test_noise_is_no_answer(line: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        decode_answer(line)


def test_a_level_block_has_two_numbers_and_four_for_each_channel() -> None:
    assert len(level_record(MAX_CHANNELS).unpack(bytes(level_record(MAX_CHANNELS).size))) == 2 + 4 * MAX_CHANNELS
