"""Fingerprints that recognise a file by content: its first bytes, and the bytes before a position.

An inode alone is not enough. The system reuses it, it survives a truncation, and a copy has another one.
"""

from __future__ import annotations

from hashlib import blake2b

import msgspec

HEAD_BYTES = 1024
"""Bytes of a file's beginning in a fingerprint, at most. The fingerprint of a shorter file grows with it."""

TAIL_BYTES = 256
"""Bytes before a position in a fingerprint, at most."""


class Fingerprint(msgspec.Struct, frozen=True):
    """The digest of some bytes, without log text.

    Attributes:
        length: The number of bytes.
        digest: Their BLAKE2b of 16 bytes, in hexadecimal.
    """

    length: int
    digest: str

    def matches(self, data: bytes) -> bool:
        """Check whether these bytes begin with the fingerprinted ones."""
        return len(data) >= self.length and fingerprint(data[: self.length]) == self


def fingerprint(data: bytes) -> Fingerprint:
    """Return the fingerprint of all these bytes."""
    return Fingerprint(len(data), blake2b(data, digest_size=16).hexdigest())


NOTHING = fingerprint(b"")
"""The fingerprint of no bytes, which every file matches."""
