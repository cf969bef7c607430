"""The body of a remote-write request: the protobuf message `WriteRequest` in a snappy block.

Format: Prometheus remote write 1.0, `prompb/remote.proto` and `prompb/types.proto`. Its four messages are written by
hand. A protobuf library would make an object of each sample; here, slices write all values of a snapshot at once.
"""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from agent.push.record import VALUE_BYTES

HEADERS = {
    "Content-Encoding": "snappy",
    "Content-Type": "application/x-protobuf",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}

EMPTY = b"\x00"
"""The body of a request without samples: the snappy block of no bytes."""

_SERIES = b"\x0a"  # WriteRequest.timeseries, field 1
_LABEL = b"\x0a"  # TimeSeries.labels, field 1
_SAMPLE = b"\x12"  # TimeSeries.samples, field 2
_NAME, _TEXT = b"\x0a", b"\x12"  # Label.name and Label.value, fields 1 and 2
_VALUE = b"\x09"  # Sample.value, field 1, a double
_TIME = b"\x10"  # Sample.timestamp, field 2, a varint
_VALUE_AT = 3  # the tag and the length of the sample, and the tag of the value
_MASK = (1 << 64) - 1

_FRAGMENT = 64_000
"""The bytes that are compressed at a time. Snappy itself begins again after each 65,536 bytes."""

_FRAMING = 4
"""The bytes of a series next to its labels and samples, at most."""


@dataclass(frozen=True, slots=True)
class Part:
    """Snapshots of the same series.

    Attributes:
        series: The encoded labels of each series.
        times: The time of each snapshot, Unix milliseconds.
        values: The values of each snapshot.
    """

    series: Sequence[bytes]
    times: Sequence[int]
    values: Sequence[bytes]


def encode_labels(labels: Mapping[str, str]) -> bytes:
    """Return the labels of a series, sorted by name as the protocol requires."""
    return b"".join(_labels(labels))


def body(parts: Iterable[Part]) -> bytes:
    """Return the body of a request with these snapshots.

    One fragment at a time is encoded and compressed. The event loop gets the interpreter's lock after each. The chunks
    are bytes, which the garbage collector does not track, so that they start no collection.
    """
    import cramjam  # a missing library is a finding of doctor, which loads this module

    size = 0
    compressed = []
    for part in parts:
        for fragment in _fragments(part):
            block = bytes(cramjam.snappy.compress_raw(fragment))
            compressed.append(block[len(varint(len(fragment))) :])  # the whole block has one size, at its start
            size += len(fragment)
            time.sleep(0)
    return b"".join([varint(size), *compressed])


def varint(number: int) -> bytes:
    """Return a protobuf varint; a negative number as its 64-bit two's complement."""
    number &= _MASK
    out = bytearray()
    while number > 0x7F:  # noqa: PLR2004 - seven bits a byte
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def decode_labels(encoded: bytes) -> dict[str, str]:
    """Return the labels of a series that `encode_labels` wrote."""
    labels: dict[str, str] = {}
    at = 0
    while at < len(encoded):
        size, at = _read_varint(encoded, at + 1)
        end = at + size
        size, at = _read_varint(encoded, at + 1)
        name = encoded[at : at + size].decode()
        size, at = _read_varint(encoded, at + size + 1)
        labels[name] = encoded[at:end].decode()
        at = end
    return labels


def shown_series(encoded: bytes) -> str:
    """Return a series as PromQL writes it."""
    labels = decode_labels(encoded)
    name = labels.pop("__name__", "")
    return f"{name}{{{', '.join(f'{label}={json.dumps(value)}' for label, value in labels.items())}}}"


def _read_varint(content: bytes, at: int) -> tuple[int, int]:
    """Return a varint and the offset after it."""
    number = shift = 0
    while True:
        byte = content[at]
        at += 1
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte <= 0x7F:  # noqa: PLR2004 - seven bits a byte
            return number, at


def _labels(labels: Mapping[str, str]) -> Iterable[bytes]:
    for name, value in sorted(labels.items()):
        pair = _sized(_NAME, name.encode()) + _sized(_TEXT, value.encode())
        yield _sized(_LABEL, pair)


def _sized(tag: bytes, content: bytes) -> bytes:
    return tag + varint(len(content)) + content


def _fragments(part: Part) -> Iterable[bytes]:
    """Yield the messages of all series, some at a time."""
    samples = [_empty_sample(time) for time in part.times]
    count = len(part.series)
    size = sum(map(len, samples)) + sum(map(len, part.series)) // max(count, 1) + _FRAMING
    step = max(_FRAGMENT // size, 1)
    for start in range(0, count, step):
        chosen = slice(VALUE_BYTES * start, VALUE_BYTES * (start + step))
        yield _messages(part.series[start : start + step], samples, [values[chosen] for values in part.values])


def _messages(series: Sequence[bytes], samples: Sequence[bytes], snapshots: Sequence[bytes]) -> bytes:
    """Return the message of each series, with its sample of each snapshot."""
    size = sum(map(len, samples))
    written = bytearray(b"".join(samples) * len(series))
    at = _VALUE_AT
    for sample, values in zip(samples, snapshots, strict=True):
        for byte in range(VALUE_BYTES):
            written[at + byte :: size] = values[byte::VALUE_BYTES]
        at += len(sample)
    filled = bytes(written)
    chunks: list[bytes] = []
    for start, labels in zip(range(0, len(filled), size), series, strict=True):
        chunks += (_SERIES, varint(len(labels) + size), labels, filled[start : start + size])
    return b"".join(chunks)


def _empty_sample(time: int) -> bytes:
    content = _VALUE + struct.pack("<d", 0.0) + _TIME + varint(time)
    return _sized(_SAMPLE, content)
