"""Request bodies of Loki's push API: JSON, compressed with gzip.

The format is that of `POST /loki/api/v1/push`: the labels of a stream, and its entries as `[nanoseconds, line]` or
`[nanoseconds, line, metadata]`. The work for each line is done in C: msgspec writes the JSON, ISA-L compresses it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate

import msgspec
from isal import igzip_lib

from collectors.logs.records import Stream

HEADERS = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
"""The headers of a request with such a body."""

ENTRY_OVERHEAD = 32
"""Bytes of an entry in Loki in addition to its text."""

_LEVEL = 1
_encoder = msgspec.json.Encoder()


def encode(stream: Stream, start: int, stop: int) -> bytes:
    """Return the body of the stream's entries from `start` to before `stop`. Invalid UTF-8 becomes U+FFFD."""
    times = map(str, stream.timestamps[start:stop])
    lines = [line if isinstance(line, str) else line.decode("utf-8", "replace") for line in stream.lines[start:stop]]
    if stream.metadata is None:
        values: list[object] = list(zip(times, lines, strict=True))
    else:
        values = [
            (time, line, metadata) if metadata else (time, line)
            for time, line, metadata in zip(times, lines, stream.metadata[start:stop], strict=True)
        ]
    document = {"streams": [{"stream": dict(stream.labels), "values": values}]}
    return igzip_lib.compress(_json(document), _LEVEL, igzip_lib.COMP_GZIP)


EMPTY = igzip_lib.compress(b'{"streams":[]}', _LEVEL, igzip_lib.COMP_GZIP)
"""A body without entries. Loki answers it with 422 if it would accept entries from this sender."""


def spans(stream: Stream, limit: int) -> Iterator[tuple[int, int]]:
    """Yield runs of entries, `(start, stop)`, of at most `limit` characters or of one entry."""
    ends = list(accumulate(_sizes(stream)))
    start = done = 0
    while start < len(ends):
        stop = max(bisect_right(ends, done + limit), start + 1)
        yield start, stop
        start, done = stop, ends[stop - 1]


def _sizes(stream: Stream) -> Iterator[int]:
    lines = map(ENTRY_OVERHEAD.__add__, map(len, stream.lines))
    if stream.metadata is None:
        return lines
    return map(int.__add__, lines, map(_metadata_size, stream.metadata))


def _metadata_size(metadata: dict[str, str] | None) -> int:
    return sum(len(name) + len(value) for name, value in metadata.items()) if metadata else 0


def _json(document: object) -> bytes:
    try:
        return _encoder.encode(document)
    except UnicodeEncodeError:  # a lone surrogate, which no encoding of Unicode has a form for
        return _encoder.encode(_without_surrogates(document))


def _without_surrogates(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_surrogates(item) for item in value]
    return value
