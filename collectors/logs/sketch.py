"""HyperLogLog sketches: distinct counts that merge by the maximum of their registers.

Flajolet, Fusy, Gandouet, Meunier, "HyperLogLog: the analysis of a near-optimal cardinality estimation algorithm"
(2007), with a 64-bit hash, which needs no correction for large counts. Owns the hash, the
registers and their time windows. The `metrics` stage exports them.
"""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Iterable

HASH_BITS = 64


def keyed_hash(value: bytes, salt: bytes) -> int:
    """Return a 64-bit hash that hides the value from anyone without the salt (keyed BLAKE2b, RFC 7693).

    Args:
        value: The counted value, such as a user's id.
        salt: 1 to 64 secret bytes, equal on all machines whose registers are merged.
    """
    return int.from_bytes(hashlib.blake2b(value, digest_size=HASH_BITS // 8, key=salt).digest(), "big")


def keyed_hashes(values: Iterable[bytes], salt: bytes) -> tuple[int, ...]:
    """Return the keyed hash of each value."""
    size = HASH_BITS // 8
    copy = hashlib.blake2b(digest_size=size, key=salt).copy  # takes half the time of a new one with the key
    digests = b"".join([_digest(copy(), value) for value in values])
    return struct.unpack(f">{len(digests) // size}Q", digests)


def _digest(keyed: hashlib.blake2b, value: bytes) -> bytes:
    keyed.update(value)
    return keyed.digest()


def ranks(hashes: Iterable[int], size: int) -> list[tuple[int, int]]:
    """Return the register that each hash selects of so many, and the value that it gives the register at least."""
    rest_bits = HASH_BITS - (size.bit_length() - 1)
    mask, most = (1 << rest_bits) - 1, rest_bits + 1
    return [(hashed >> rest_bits, most - (hashed & mask).bit_length()) for hashed in hashes]


def raise_registers(registers: bytearray, ranked: Iterable[tuple[int, int]]) -> bool:
    """Raise the registers to these values, and return True if one grew."""
    grown = False
    for register, rank in ranked:
        if rank > registers[register]:
            registers[register] = rank
            grown = True
    return grown


def add(registers: bytearray, hashed: int) -> bool:
    """Count a hash: its top bits select the register, the leading zeros of the rest plus one are the value.

    Returns:
        True if a register grew.
    """
    return raise_registers(registers, ranks((hashed,), len(registers)))


def merged(sketches: Iterable[bytes | bytearray], size: int) -> bytearray:
    """Return the registers of the union, the maximum of each."""
    return bytearray(map(max, bytes(size), *sketches, bytes(size)))


def estimate(registers: bytes | bytearray) -> float:
    """Estimate the distinct count. The standard error is 1.04 / sqrt(number of registers)."""
    m = len(registers)
    alpha = 0.7213 / (1 + 1.079 / m)
    raw = alpha * m * m / math.fsum(2.0**-value for value in registers)
    empty = registers.count(0)
    return m * math.log(m / empty) if empty and raw <= 2.5 * m else raw


class Window:
    """A rolling window of sketches, one for each equal stretch of time.

    Attributes:
        sketches: The registers by the number of their stretch since 1970, in UTC.
    """

    __slots__ = ("_count", "_stretch_ns", "sketches")

    def __init__(self, stretch_ns: int, count: int) -> None:
        self._stretch_ns = stretch_ns
        self._count = count
        self.sketches: dict[int, bytearray] = {}

    def add(self, hashed: int, at_ns: int, now_ns: int, size: int) -> bool:
        """Count a hash seen at an instant. Ignore it before the window, and count the future as now.

        Returns:
            True if a register grew.
        """
        return self.add_all(ranks((hashed,), size), at_ns, now_ns, size)

    def add_all(self, ranked: Iterable[tuple[int, int]], at_ns: int, now_ns: int, size: int) -> bool:
        """Count the ranks of hashes as `add` does for each of them."""
        newest = now_ns // self._stretch_ns
        stretch = min(at_ns // self._stretch_ns, newest)
        if stretch <= newest - self._count:
            return False
        registers = self.sketches.get(stretch)
        if registers is None:
            self._forget(newest)
            registers = self.sketches[stretch] = bytearray(size)
        return raise_registers(registers, ranked)

    def registers(self, now_ns: int, size: int) -> bytearray:
        """Return the registers of the window that ends at `now_ns`."""
        oldest = now_ns // self._stretch_ns - self._count
        return merged([kept for stretch, kept in dict(self.sketches).items() if stretch > oldest], size)

    def _forget(self, newest: int) -> None:
        self.sketches = {at: kept for at, kept in self.sketches.items() if at > newest - self._count}
