"""The packed form of raw evidence: JSON, compressed as gzip does. Pure."""

from __future__ import annotations

import zlib

_GZIP = zlib.MAX_WBITS | 16


def pack(evidence: bytes) -> bytes:
    """Return evidence in JSON as the content of a `.json.gz` file."""
    packer = zlib.compressobj(wbits=_GZIP)
    return packer.compress(evidence) + packer.flush()
