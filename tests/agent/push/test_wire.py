import gc
import struct
import threading

from agent.push.record import STALE
from agent.push.wire import EMPTY, Part, body, decode_labels, encode_labels, shown_series, varint
from tests.support import write_requests
from tests.support.write_requests import decoded

UP = encode_labels({"__name__": "up", "job": "wr-agent"})
LOAD = encode_labels({"job": "wr-agent", "__name__": "node_load1", "text": 'ä "quoted" \\ line\nbreak'})


def packed(*values: float) -> bytes:
    return struct.pack(f"<{len(values)}d", *values)


def test_each_sample_has_its_labels_time_and_value() -> None:
    sent = decoded(
        body([Part([UP, LOAD], [1_795_960_586_210, 1_795_960_601_210], [packed(1, 0.25), packed(0, -3e300)])])
    )

    assert [(one.name, one.time, one.value) for one in sent] == [
        ("up", 1_795_960_586_210, 1.0),
        ("up", 1_795_960_601_210, 0.0),
        ("node_load1", 1_795_960_586_210, 0.25),
        ("node_load1", 1_795_960_601_210, -3e300),
    ]
    assert dict(sent[2].labels)["text"] == 'ä "quoted" \\ line\nbreak'


def test_labels_are_sorted_by_name() -> None:
    (sample,) = decoded(body([Part([encode_labels({"z": "1", "__name__": "x", "a": "2"})], [1], [packed(1)])]))

    assert [name for name, _ in sample.labels] == ["__name__", "a", "z"]


def test_times_of_any_length_stand_in_one_request() -> None:
    times = [0, 127, 128, 1 << 35, 4_102_444_800_000, -1]
    sent = decoded(body([Part([UP], times, [packed(n) for n in range(len(times))])]))

    assert [(one.time, one.value) for one in sent] == [(at % 2**64, float(n)) for n, at in enumerate(times)]


def test_a_stale_marker_keeps_its_bits() -> None:
    (sample,) = decoded(body([Part([UP], [5], [STALE])]))

    assert sample.bits == write_requests.STALE


def test_an_empty_request_has_no_sample() -> None:
    assert decoded(EMPTY) == []


def test_a_request_of_many_series_has_them_all_in_order() -> None:
    series = [encode_labels({"__name__": "x", "n": str(n), "text": "v" * (n % 300)}) for n in range(3000)]
    values = [packed(*range(at, at + 3000)) for at in range(4)]
    sent = decoded(body([Part(series, [1, 200, 3, 1 << 40], values), Part([UP], [5], [packed(7)])]))

    assert [(dict(one.labels).get("n"), one.time, one.value) for one in sent[:-1]] == [
        (str(n), time, float(at + n)) for n in range(3000) for at, time in enumerate([1, 200, 3, 1 << 40])
    ]
    assert (sent[-1].name, sent[-1].time, sent[-1].value) == ("up", 5, 7.0)


def test_a_request_starts_no_garbage_collection() -> None:
    """A collection of all generations holds the interpreter's lock for 20 ms, and the event loop waits for it."""
    series = [encode_labels({"__name__": "x", "n": str(n)}) for n in range(1500)]
    part = Part(series, [*range(10)], [packed(*range(1500))] * 10)
    collections: list[int] = []

    def noted(phase: str, info: dict[str, int]) -> None:
        if phase == "start" and threading.get_ident() == ours:
            collections.append(info["generation"])

    body([part])
    ours = threading.get_ident()
    gc.collect()
    gc.callbacks.append(noted)
    try:
        for _ in range(5):
            body([part])
    finally:
        gc.callbacks.remove(noted)

    assert collections == []


def test_labels_are_read_again() -> None:
    labels = {"__name__": "x", "long": "v" * 400}

    assert decode_labels(encode_labels(labels)) == labels
    assert shown_series(encode_labels({"__name__": "x", "a": 'b"c'})) == r'x{a="b\"c"}'


def test_a_varint_has_seven_bits_a_byte() -> None:
    assert [varint(n) for n in (0, 127, 128, 300)] == [b"\0", b"\x7f", b"\x80\x01", b"\xac\x02"]
