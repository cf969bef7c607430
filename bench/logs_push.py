"""The cost of pushing alone: 210-byte JSON lines, ready in memory, into a counting sink in a process of its own.

The first table compares ways to encode a request: CPU a line and bytes a line. The second pushes for real, through
`LokiClient` over HTTP on loopback: lines a second, CPU and memory of this process. Run it with
`python -m bench.logs_push`.
"""

from __future__ import annotations

import asyncio
import gzip
import random
import time
from collections.abc import Callable, Iterator

import cramjam
import msgspec
import psutil
from isal import igzip_lib

from bench.table import machine, table
from collectors.logs.loki.client import LokiClient
from collectors.logs.loki.config import LokiConfig, LokiUrl
from collectors.logs.loki.encode import encode, spans
from collectors.logs.records import Stream
from tests.support.loki import Loki, loki

_LINES = 400_000
_IN_MEMORY = 20_000
_ENCODED = 20_000
_ROUNDS = 5
_LEVELS = ("debug", "error", "info", "warning")
_LENGTH = 210

_RANDOM = random.Random(1)  # noqa: S311 - test data, the same in each run


def _line(index: int, ns: int, level: str) -> bytes:
    """Return one line as an engine writes it: time, level, logger, message, trace id, duration, service."""
    clock = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ns // 10**9))
    text = (
        f'{{"time":"{clock}.{ns % 10**9 // 1000:06}Z","level":"{level}","logger":"engine.mixer","message":'
        f'"buffer {index} rendered","trace_id":"{_RANDOM.getrandbits(128):032x}",'
        f'"duration":{_RANDOM.random():.6f},"service":"juce-backend"}}'
    ).encode()
    return text[:-2] + b" " * (_LENGTH - len(text)) + b'"}'


def _stream(lines: int, level: str) -> Stream:
    now = time.time_ns()
    times = [now + index * 1000 for index in range(lines)]
    texts: list[str | bytes] = [_line(index, ns, level) for index, ns in enumerate(times)]
    return Stream((("level", level), ("service", "juce-backend")), times, texts, None)


# Encodings


def _json(stream: Stream, start: int, stop: int) -> bytes:
    lines = (line.decode() for line in stream.lines[start:stop] if isinstance(line, bytes))
    values = list(zip(map(str, stream.timestamps[start:stop]), lines, strict=True))
    return msgspec.json.encode({"streams": [{"stream": dict(stream.labels), "values": values}]})


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 127:  # noqa: PLR2004 - seven bits a byte
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])


_SHORT = [_varint(value) for value in range(1 << 14)]
_INNER = [bytes((value & 127 | 128, value >> 7 | 128)) for value in range(1 << 14)]
_TIME_BYTES = 14
_SECOND = 10**9


def _protobuf(stream: Stream, start: int, stop: int) -> bytes:
    """Return a push request as protobuf, from parts that are made once for each length and each second."""
    parts: list[bytes] = []
    base = -_SECOND
    prefix = b""
    for ns, line in zip(stream.timestamps[start:stop], stream.lines[start:stop], strict=True):
        if not isinstance(line, bytes):
            raise TypeError(line)
        if not 0 <= ns - base < _SECOND:
            base = ns - ns % _SECOND
            prefix = b"\x0a\x0c\x08" + _varint(base // _SECOND) + b"\x10"
        nanos = ns - base
        size = _SHORT[len(line)]
        entry = _SHORT[_TIME_BYTES + 1 + len(size) + len(line)]
        times = (prefix, _INNER[nanos & 16383], _INNER[nanos >> 14 & 16383], _SHORT[nanos >> 28])
        parts += (b"\x12", entry, *times, b"\x12", size, line)
    labels = ("{" + ", ".join(f'{name}="{value}"' for name, value in stream.labels) + "}").encode()
    body = b"".join((b"\x0a", _varint(len(labels)), labels, *parts))
    return b"\x0a" + _varint(len(body)) + body


_Encoding = Callable[[Stream, int, int], bytes]

_ENCODINGS: dict[str, _Encoding] = {
    "ours: JSON, ISA-L gzip 1": encode,
    "JSON": _json,
    "JSON, ISA-L gzip 0": lambda *it: igzip_lib.compress(_json(*it), 0, igzip_lib.COMP_GZIP),
    "JSON, zlib gzip 1": lambda *it: gzip.compress(_json(*it), 1),
    "protobuf": _protobuf,
    "protobuf, snappy": lambda *it: bytes(cramjam.snappy.compress_raw(_protobuf(*it))),
}


def _encoding_rows() -> Iterator[list[str]]:
    stream = _stream(_ENCODED, "info")
    cut = list(spans(stream, LokiConfig().batch_size))
    for name, encoding in _ENCODINGS.items():
        seconds = min(_cpu(encoding, stream, cut) for _ in range(_ROUNDS))
        wire = sum(len(encoding(stream, *span)) for span in cut)
        yield [name, f"{seconds / _ENCODED * 1e6:.2f}", f"{wire / _ENCODED:.0f}"]


def _cpu(encoding: _Encoding, stream: Stream, cut: list[tuple[int, int]]) -> float:
    start = time.process_time()
    for span in cut:
        encoding(stream, *span)
    return time.process_time() - start


# Pushing


async def _push_row(server: Loki, streams: list[Stream]) -> list[str]:
    process = psutil.Process()
    counted = server.counted()
    cpu, start = time.process_time(), time.perf_counter()
    lag = asyncio.create_task(_worst_lag())
    async with LokiClient(LokiConfig(url=LokiUrl(server.url))) as client:
        for _ in range(_LINES // (_IN_MEMORY * len(streams))):
            await asyncio.gather(*map(client.push, streams))
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    lag.cancel()
    (worst,) = await asyncio.gather(lag)
    seen = {name: value - counted.get(name, 0) for name, value in server.counted().items()}
    return [
        str(len(streams)),
        f"{seen['entries'] / seconds:,.0f}",
        f"{cpu / seen['entries'] * 1e6:.2f}",
        f"{seen['wire_bytes'] / seen['entries']:.0f}",
        f"{seen['entries'] / seen['requests']:.0f}",
        f"{worst * 1e3:.1f}",
        f"{process.memory_full_info().uss / 2**20:.0f}",
    ]


async def _worst_lag() -> float:
    """Note the largest delay of the loop in seconds, until cancelled."""
    worst = 0.0
    try:
        while True:
            start = time.perf_counter()
            await asyncio.sleep(0.001)
            worst = max(worst, time.perf_counter() - start - 0.001)
    except asyncio.CancelledError:
        return worst


def main() -> None:
    """Print both tables."""
    print(f"Encoding {_LENGTH}-byte lines, {LokiConfig().batch_size:,} bytes a request; {machine()}\n")
    print(table(["", "CPU us/line", "bytes/line"], list(_encoding_rows())))
    print(f"\n{_LINES:,} lines through LokiClient into a counting sink\n")
    with loki(counting=True) as server:
        rows = [
            asyncio.run(_push_row(server, [_stream(_IN_MEMORY, level) for level in _LEVELS[:streams]]))
            for streams in (1, 2, 4)
        ]
    header = ["streams", "lines/s", "CPU us/line", "bytes/line", "lines/request", "worst lag ms", "USS MiB"]
    print(table(header, rows))


if __name__ == "__main__":
    main()
