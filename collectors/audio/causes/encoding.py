"""The encoding of evidence as JSON on the event loop, in slices that hold nothing up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import msgspec

from collectors.audio.causes.evidence import Evidence, Trace

_SLICE_NS = 1_000_000
"""The time after which other tasks of the loop have their turn."""
_FEW_STRUCTS, _FEW_ROWS = 16, 512
"""The number of items that are encoded at once, in about half of that time."""


async def encode(evidence: Evidence) -> bytes:
    """Return the evidence as JSON, as `evidence.encode` does."""
    pieces = []
    began_ns = time.monotonic_ns()
    for piece in _pieces(evidence):
        pieces.append(piece)
        if time.monotonic_ns() - began_ns > _SLICE_NS:
            await asyncio.sleep(0)
            began_ns = time.monotonic_ns()
    return b"".join(pieces)


def _pieces(value: object) -> Iterator[bytes]:
    if isinstance(value, Evidence | Trace):
        for number, name in enumerate(value.__struct_fields__):
            yield b'%s"%s":' % (b"," if number else b"{", name.encode())
            yield from _pieces(getattr(value, name))
        yield b"}"
    elif isinstance(value, tuple) and value:
        few = _FEW_STRUCTS if isinstance(value[0], msgspec.Struct) else _FEW_ROWS
        for start in range(0, len(value), few):
            yield b"," if start else b"["
            yield msgspec.json.encode(value[start : start + few])[1:-1]
        yield b"]"
    else:
        yield msgspec.json.encode(value)
