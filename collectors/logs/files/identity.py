"""Recognising a file by what it contains: fingerprints of its first bytes and of those before a position.

An inode alone is not enough: it is used again for another file, survives a truncation, and is not that of a copy.
"""

from __future__ import annotations

from hashlib import blake2b

import msgspec

HEAD_BYTES = 1024
"""How much of a file's beginning is fingerprinted at most; a shorter file has a shorter fingerprint, which grows."""

TAIL_BYTES = 256
"""How much before a position is fingerprinted at most."""


class Fingerprint(msgspec.Struct, frozen=True):
    """The digest of some bytes; no log text is kept in it.

    Attributes:
        length: How many bytes.
        digest: Their BLAKE2b of 16 bytes, in hexadecimal.
    """

    length: int
    digest: str

    def matches(self, data: bytes) -> bool:
        """Whether these bytes begin with the fingerprinted ones."""
        return len(data) >= self.length and fingerprint(data[: self.length]) == self


def fingerprint(data: bytes) -> Fingerprint:
    """The fingerprint of all these bytes."""
    return Fingerprint(len(data), blake2b(data, digest_size=16).hexdigest())


NOTHING = fingerprint(b"")
"""The fingerprint of no bytes, which every file matches."""
