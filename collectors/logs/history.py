"""The history of one log, which decides the times of its next entries.

It is saved with the log's position. So the same lines get the same times when they are sent again after a crash, and
the cuts between batches make no difference. Owns the packed form; `sending_times` owns the decisions.
"""

from __future__ import annotations

import struct
from zlib import crc32

import msgspec

from collectors.logs.records import Labels

NOTHING = b""
"""The packed history of a log without entries."""

MAX_STREAMS = 64
"""The most streams of a log that are remembered."""

_MAGIC = b"WRH1"
_OLD_ENTRY = struct.Struct("<qII")  # the form of earlier versions: Unix nanoseconds, CRC-32 of the text, count
_LATEST = (1 << 63) - 1
_EARLIEST = -(1 << 63)


class Window(msgspec.Struct, array_like=True, frozen=True):
    """The times that Loki accepts for a stream, as learnt from a refusal. Entries outside are moved.

    Attributes:
        low: The earliest accepted time.
        low_at: The time of entries before `low`.
        high: The latest accepted time.
        high_at: The time of entries after `high`.
    """

    low: int = _EARLIEST
    low_at: int = 0
    high: int = _LATEST
    high_at: int = 0


class StreamHistory(msgspec.Struct, array_like=True):
    """The history of one stream.

    Attributes:
        newest: The newest time that was sent, Unix nanoseconds.
        moved: The last time that an entry was moved to because it was too far behind.
        horizon: Entries up to this time may have been forgotten.
        late: The number of entries that came after the horizon had passed them.
        sent: The newest entries, each as time and CRC-32 of the text.
    """

    newest: int = 0
    moved: int = 0
    horizon: int = 0
    late: int = 0
    sent: list[tuple[int, int]] = []


class History(msgspec.Struct, array_like=True):
    """The history of one log.

    Attributes:
        known: The last time that a line carried, Unix nanoseconds; 0 if none did.
        forgotten: The newest time of the streams that were forgotten.
        streams: The history of each stream by its key.
        windows: The accepted times by the stream's key, for the batch that is being sent.
    """

    known: int = 0
    forgotten: int = 0
    streams: dict[int, StreamHistory] = {}
    windows: dict[int, Window] = {}

    @classmethod
    def unpack(cls, packed: bytes) -> History:
        """Read the packed form, also that of earlier versions."""
        if packed.startswith(_MAGIC):
            return _decode(packed[len(_MAGIC) :])
        times = [entry[0] for entry in _OLD_ENTRY.iter_unpack(packed)]
        return cls(forgotten=max(times, default=0))

    def pack(self) -> bytes:
        """Return the packed form."""
        return _MAGIC + _encode(self)

    def copy(self) -> History:
        """Return an independent copy."""
        return History.unpack(self.pack())

    def of(self, labels: Labels) -> StreamHistory:
        """Return the history of a stream, a new one if it is unknown."""
        return self.streams.setdefault(stream_key(labels), StreamHistory(horizon=self.forgotten))

    def newest_of(self, key: int) -> int:
        """Return a time that no entry of a stream is newer than, Unix nanoseconds."""
        known = self.streams.get(key)
        return max(known.newest, known.horizon) if known else self.forgotten

    def forget_oldest(self) -> None:
        """Keep `MAX_STREAMS` streams, those with the newest entries."""
        if len(self.streams) <= MAX_STREAMS:
            return
        by_age = sorted(self.streams.items(), key=lambda item: item[1].newest)
        self.forgotten = max(self.forgotten, by_age[-MAX_STREAMS - 1][1].newest)
        self.streams = dict(by_age[-MAX_STREAMS:])


def stream_key(labels: Labels) -> int:
    """Return a checksum of a stream's labels."""
    return crc32(repr(labels).encode("utf-8", "replace"))


_decode = msgspec.msgpack.Decoder(History).decode
_encode = msgspec.msgpack.Encoder().encode
