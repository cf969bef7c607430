"""Push requests as Loki reads them: JSON or protobuf, compressed or not, without its limits."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import cramjam
import msgspec


class BodyError(Exception):
    """A body that Loki cannot read: 400, nothing stored."""


@dataclass(slots=True)
class Entry:
    ns: int
    line: str
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Pushed:
    """One stream of a request."""

    labels: tuple[tuple[str, str], ...]
    entries: list[Entry]


class _JsonStream(msgspec.Struct):
    stream: dict[str, str]
    values: list[list[str | dict[str, str]]]


class _JsonBody(msgspec.Struct):
    streams: list[_JsonStream]


class _JsonCount(msgspec.Struct):
    """The parts of a body that are counted."""

    class _Stream(msgspec.Struct):
        values: list[msgspec.Raw]

    streams: list[_Stream]


_json = msgspec.json.Decoder(_JsonBody)
_json_count = msgspec.json.Decoder(_JsonCount)


def decode(body: bytes, content_type: str, encoding: str) -> list[Pushed]:
    """Return the streams of a request."""
    plain = _plain(body, content_type, encoding)
    try:
        return _from_json(plain) if _is_json(content_type) else list(_from_protobuf(plain))
    except (msgspec.DecodeError, IndexError) as error:
        raise BodyError(f"couldn't parse push request: {error}") from error


def count(body: bytes, content_type: str, encoding: str) -> int:
    """Return the number of entries of a request. Benchmarks need no more."""
    plain = _plain(body, content_type, encoding)
    if _is_json(content_type):
        return sum(len(stream.values) for stream in _json_count.decode(plain).streams)
    return sum(sum(1 for field_, _ in _fields(stream) if field_ == 2) for _, stream in _fields(plain))


def _is_json(content_type: str) -> bool:
    return content_type.partition(";")[0].strip() == "application/json"


def _plain(body: bytes, content_type: str, encoding: str) -> bytes:
    try:
        if encoding == "gzip":
            return zlib.decompress(body, wbits=31)
        if encoding == "deflate":
            return zlib.decompress(body, wbits=-15)
        if _is_json(content_type) and not encoding:
            return body
        if not _is_json(content_type) and encoding in {"", "snappy"}:
            return bytes(cramjam.snappy.decompress_raw(body))
    except (zlib.error, cramjam.DecompressionError) as error:
        raise BodyError(str(error)) from error
    raise BodyError(f'Content-Encoding "{encoding}" not supported')


def _from_json(plain: bytes) -> list[Pushed]:
    return [
        Pushed(tuple(sorted(it.stream.items())), [_entry(value) for value in it.values])
        for it in _json.decode(plain).streams
    ]


def _entry(value: list[str | dict[str, str]]) -> Entry:
    ns, line, *metadata = value
    if not isinstance(ns, str) or not isinstance(line, str):
        raise BodyError("couldn't parse push request: Value is not a string")
    return Entry(int(ns), line, metadata[0] if metadata and isinstance(metadata[0], dict) else {})


# Protobuf: PushRequest{1: Stream{1: labels, 2: Entry{1: Timestamp{1: s, 2: ns}, 2: line, 3: Pair{1: name, 2: value}}}}


def _from_protobuf(plain: bytes) -> Iterator[Pushed]:
    for _, stream in _fields(plain):
        parts = list(_fields(stream))
        labels = next(value for number, value in parts if number == 1).decode()
        yield Pushed(parse_labels(labels), [_proto_entry(value) for number, value in parts if number == 2])


def _proto_entry(message: bytes) -> Entry:
    entry = Entry(0, "")
    for number, value in _fields(message):
        if number == 1:
            seconds, nanos = (dict(_numbers(value)).get(it, 0) for it in (1, 2))
            entry.ns = seconds * 10**9 + nanos
        elif number == 2:
            entry.line = value.decode(errors="replace")
        else:
            pair = dict(_fields(value))
            entry.metadata[pair[1].decode()] = pair[2].decode()
    return entry


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(message):
        size, start = _varint(message, at + 1)
        yield message[at] >> 3, message[start : start + size]
        at = start + size


def _numbers(message: bytes) -> Iterator[tuple[int, int]]:
    at = 0
    while at < len(message):
        number = message[at] >> 3
        value, at = _varint(message, at + 1)
        yield number, value


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 127) << shift
        at += 1
        if byte < 128:
            return value, at
        shift += 7


def parse_labels(text: str) -> tuple[tuple[str, str], ...]:
    """Return the labels of a protobuf body: `{a="b", c="d"}`."""
    found: list[tuple[str, str]] = []
    rest = text.strip().removeprefix("{")
    while not rest.startswith("}"):
        name, _, rest = rest.partition("=")
        value, rest = _quoted(rest)
        found.append((name.strip(" ,"), value))
    return tuple(sorted(found))


def _quoted(text: str) -> tuple[str, str]:
    end = 1
    while text[end] != '"':
        end += 2 if text[end] == "\\" else 1
    return msgspec.json.decode(text[: end + 1], type=str), text[end + 1 :]
