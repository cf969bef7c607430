"""Looks passwords up in bcrypt hashes: never on the event loop, one at a time, and each good one only once."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Mapping

from collectors.offloop import start

_MOST_VERIFIED = 64
_MOST_WAITING = 16
_BCRYPT_BYTES = 72
"""What bcrypt looks at of a password; `htpasswd` and Go cut there too, silently."""


class BusyError(Exception):
    """Too many passwords wait to be looked at."""


class Passwords:
    """Verifies passwords, and remembers those that were right by a keyed digest that is of no use elsewhere."""

    def __init__(self) -> None:
        self._secret = os.urandom(32)
        self._verified: dict[bytes, None] = {}
        self._turn = asyncio.Lock()
        self._waiting = 0

    def remembers(self, users: Mapping[str, str], user: str, password: str) -> bool:
        """Whether this password of this user was verified before against the hash that stands now."""
        return user in users and self._digest(users[user], user, password) in self._verified

    async def verify(self, users: Mapping[str, str], user: str, password: str) -> bool:
        """Whether the password is that of the user.

        An unknown user takes as long as a known one.

        Args:
            users: The bcrypt hash of each user's password; at least one.
            user: Who it is said to be.
            password: The password that was given.

        Raises:
            BusyError: Too many are waiting already.
        """
        if self._waiting >= _MOST_WAITING:
            raise BusyError
        self._waiting += 1
        try:
            async with self._turn:
                return self.remembers(users, user, password) or await self._look(users, user, password)
        finally:
            self._waiting -= 1

    async def _look(self, users: Mapping[str, str], user: str, password: str) -> bool:
        hashed = users.get(user) or max(users.values(), key=_cost)
        right = await start(lambda: _matches(password, hashed), "bcrypt") and user in users
        if right:
            if len(self._verified) >= _MOST_VERIFIED:
                del self._verified[next(iter(self._verified))]
            self._verified[self._digest(hashed, user, password)] = None
        return right

    def _digest(self, hashed: str, user: str, password: str) -> bytes:
        parts = (text.encode() for text in (hashed, user, password))
        framed = b"".join(len(part).to_bytes(8) + part for part in parts)
        return hashlib.blake2b(framed, key=self._secret).digest()


def _cost(hashed: str) -> str:
    return hashed.split("$")[2]


def _matches(password: str, hashed: str) -> bool:
    import bcrypt

    return bcrypt.checkpw(password.encode()[:_BCRYPT_BYTES], hashed.encode())
