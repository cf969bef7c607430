"""Counts distinct values without keeping them: HyperLogLog registers that merge by their maximum.

Flajolet, Fusy, Gandouet, Meunier, "HyperLogLog: the analysis of a near-optimal cardinality estimation algorithm"
(2007), with a 64-bit hash, which needs no correction for large counts. Owns the hash, the registers and their windows
of time; the metrics that they become belong to the `metrics` stage.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable

HASH_BITS = 64


def keyed_hash(value: bytes, salt: bytes) -> int:
    """A 64-bit hash that says nothing of the value to who lacks the salt (BLAKE2b, keyed; RFC 7693).

    Args:
        value: What is counted, such as a user's id.
        salt: 1 to 64 secret bytes; the same on all machines whose registers are to be merged.
    """
    return int.from_bytes(hashlib.blake2b(value, digest_size=HASH_BITS // 8, key=salt).digest(), "big")


def add(registers: bytearray, hashed: int) -> bool:
    """Count a hash: its top bits choose the register, the leading zeros of the rest, plus one, are its value.

    Returns:
        Whether a register grew.
    """
    rest_bits = HASH_BITS - (len(registers).bit_length() - 1)
    register = hashed >> rest_bits
    rank = rest_bits - (hashed & ((1 << rest_bits) - 1)).bit_length() + 1
    grown = rank > registers[register]
    if grown:
        registers[register] = rank
    return grown


def merged(sketches: Iterable[bytes | bytearray], size: int) -> bytearray:
    """The registers of the union: the maximum, register by register."""
    return bytearray(map(max, bytes(size), *sketches, bytes(size)))


def estimate(registers: bytes | bytearray) -> float:
    """How many distinct values were counted; the standard error is 1.04 / sqrt(number of registers)."""
    m = len(registers)
    alpha = 0.7213 / (1 + 1.079 / m)
    raw = alpha * m * m / math.fsum(2.0**-value for value in registers)
    empty = registers.count(0)
    return m * math.log(m / empty) if empty and raw <= 2.5 * m else raw


class Window:
    """Sketches of the last so many equal stretches of time, which together are a rolling window.

    Attributes:
        sketches: The registers by the number of their stretch since 1970, in UTC.
    """

    __slots__ = ("_count", "_stretch_ns", "sketches")

    def __init__(self, stretch_ns: int, count: int) -> None:
        self._stretch_ns = stretch_ns
        self._count = count
        self.sketches: dict[int, bytearray] = {}

    def add(self, hashed: int, at_ns: int, now_ns: int, size: int) -> bool:
        """Count a hash seen at an instant; nothing if that is before the window, and as of now if it is to come.

        Returns:
            Whether a register grew.
        """
        newest = now_ns // self._stretch_ns
        stretch = min(at_ns // self._stretch_ns, newest)
        if stretch <= newest - self._count:
            return False
        registers = self.sketches.get(stretch)
        if registers is None:
            self._forget(newest)
            registers = self.sketches[stretch] = bytearray(size)
        return add(registers, hashed)

    def registers(self, now_ns: int, size: int) -> bytearray:
        """The registers of the whole window that ends at `now_ns`."""
        oldest = now_ns // self._stretch_ns - self._count
        return merged([kept for stretch, kept in dict(self.sketches).items() if stretch > oldest], size)

    def _forget(self, newest: int) -> None:
        self.sketches = {at: kept for at, kept in self.sketches.items() if at > newest - self._count}
