"""The verification of passwords by bcrypt: off the event loop, one at a time, and only once for each right one."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Mapping

from collectors.offloop import NoThreadError, start

_MOST_VERIFIED = 64
_MOST_WAITING = 16
_BCRYPT_BYTES = 72
"""The number of bytes that bcrypt reads; `htpasswd` and Go also ignore the rest."""


class BusyError(Exception):
    """Too many passwords wait for verification."""


class Passwords:
    """The verifier of passwords, which caches right ones as keyed digests that are useless elsewhere."""

    def __init__(self) -> None:
        self._secret = os.urandom(32)
        self._verified: dict[bytes, None] = {}
        self._turn = asyncio.Lock()
        self._waiting = 0

    def remembers(self, users: Mapping[str, str], user: str, password: str) -> bool:
        """Return True if this user's password was already verified against the current hash."""
        return user in users and self._digest(users[user], user, password) in self._verified

    async def verify(self, users: Mapping[str, str], user: str, password: str) -> bool:
        """Return True if the password is the user's. The check takes as long for an unknown user.

        Args:
            users: The bcrypt hash of each user's password; at least one.
            user: The user name of the request.
            password: The password of the request.

        Raises:
            BusyError: Too many passwords wait already, or the system has no thread left.
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
        try:
            right = await start(lambda: _matches(password, hashed), "bcrypt") and user in users
        except NoThreadError as error:
            raise BusyError from error
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
