"""A hand-made sender of Prometheus remote write 1.0, independent of the agent's."""

from __future__ import annotations

import contextlib
import struct
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import cramjam

from tests.support.waiting import PATIENCE

STALE = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]
"""Prometheus's stale marker: the series ends here."""


_INTERVAL = 0.5
"""Seconds between two samples of a machine."""


class Pushed(NamedTuple):
    """One series of a request.

    Attributes:
        labels: Its labels, with `__name__`.
        samples: Its samples: milliseconds since the epoch, and values.
    """

    labels: Mapping[str, str]
    samples: Iterable[tuple[int, float]]


def push(url: str, series: Iterable[Pushed], headers: Mapping[str, str] | None = None) -> int:
    """Send one request to the base URL of a receiver, and return the status of its answer."""
    sent = {
        "Content-Encoding": "snappy",
        "Content-Type": "application/x-protobuf",
        "X-Prometheus-Remote-Write-Version": "0.1.0",
    }
    request = urllib.request.Request(f"{url}/api/v1/write", body(series), sent | dict(headers or {}), method="POST")
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def body(series: Iterable[Pushed]) -> bytes:
    """Return the body of a request: a `WriteRequest` of protobuf in a snappy block."""
    return bytes(cramjam.snappy.compress_raw(b"".join(_message(1, b"".join(_series(one))) for one in series)))


def _series(one: Pushed) -> Iterator[bytes]:
    for name, value in sorted(one.labels.items()):
        yield _message(1, _message(1, name.encode()) + _message(2, value.encode()))
    for milliseconds, number in one.samples:
        yield _message(2, b"\x09" + struct.pack("<d", number) + b"\x10" + _varint(milliseconds))


def _message(field: int, content: bytes) -> bytes:
    return bytes([field << 3 | 2]) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])


class Machine:
    """A machine that pushes `up` at an interval, with a clock of its own. Its thread ends with `stop` or `vanish`."""

    def __init__(self, url: str, host: str, ahead: float = 0.0, labels: Mapping[str, str] | None = None) -> None:
        self.ahead = ahead
        self._url = url
        self._labels = {"__name__": "up", "job": "wr-agent", "instance": host, "host": host, **(labels or {})}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def vanish(self) -> None:
        """Stop without a word."""
        self._ended.set()
        self._thread.join()

    def stop(self) -> None:
        """Stop in order, with a stale marker."""
        self.vanish()
        self._push(STALE)

    def _run(self) -> None:
        while not self._ended.wait(_INTERVAL):
            self._push(1)

    def _push(self, value: float) -> None:
        with contextlib.suppress(OSError):  # the receiver may have ended before
            push(self._url, [Pushed(self._labels, [(int((time.time() + self.ahead) * 1000), value)])])
