"""The open log files of all sources, within the process's limit of descriptors."""

from __future__ import annotations

import contextlib
import resource
from collections import OrderedDict

_RESERVED = 256
"""Descriptors for everything else: connections, sockets, the host's files."""

_LEAST = 64
_ENOUGH = 1 << 20


def raise_limit() -> None:
    """Raise the soft limit of descriptors to the hard one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _ENOUGH if hard == resource.RLIM_INFINITY else min(hard, _ENOUGH)
    if soft < wanted:
        with contextlib.suppress(ValueError, OSError):  # macOS refuses more than its own limit
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class Descriptors:
    """The number of descriptors that unread log files hold, over all sources.

    Args:
        limit: The most descriptors; `None` for the process's limit without a reserve.
    """

    def __init__(self, limit: int | None = None) -> None:
        self._limit = limit
        self.held = 0

    @property
    def limit(self) -> int:
        """The most descriptors that unread log files may hold."""
        if self._limit is not None:
            return self._limit
        return max(_LEAST, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - _RESERVED)


class OpenFiles:
    """The files of one source that are open: the last read ones, and all unread ones as far as the limit allows.

    Args:
        most: The most files that stay open after they are read.
        descriptors: The descriptors of all sources.

    Attributes:
        refused: The unread files that are closed because the limit is reached.
    """

    def __init__(self, most: int, descriptors: Descriptors) -> None:
        self.refused: set[str] = set()
        self._most = most
        self._descriptors = descriptors
        self._read: OrderedDict[str, None] = OrderedDict()
        self._held: dict[str, int] = {}

    def reserve(self, path: str) -> bool:
        """Reserve a descriptor for an unread file; return False and record it as refused if none is left."""
        if path in self._held:
            return True
        if self._descriptors.held >= self._descriptors.limit:
            self.refused.add(path)
            return False
        self.hold(path, 1)
        return True

    def hold(self, path: str, count: int) -> None:
        """Record the number of descriptors that an unread file holds."""
        self._descriptors.held += count - self._held.get(path, 0)
        self._held[path] = count
        self.refused.discard(path)

    @property
    def held(self) -> int:
        """The number of unread files that are held."""
        return len(self._held)

    def read(self, path: str) -> list[str]:
        """Record that a file was read to its end, and return the files to close."""
        self.drop(path)
        self._read[path] = None
        over = len(self._read) - self._most
        return [self._read.popitem(last=False)[0] for _ in range(over)]

    def drop(self, path: str) -> None:
        """Forget a file."""
        self._descriptors.held -= self._held.pop(path, 0)
        self._read.pop(path, None)
        self.refused.discard(path)

    def clear(self) -> None:
        """Forget all files."""
        for path in [*self._held]:
            self.drop(path)
        self._read.clear()
        self.refused.clear()
