"""The identity of a dropout: a unique id that sorts by time, and its time as text. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime

_REMEMBERED = 1000


class Ids:
    """The ids of one agent, such as `20261129-133501-042`: date, time and milliseconds in UTC.

    Args:
        known: The ids of earlier events.
    """

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._known = deque(known, maxlen=_REMEMBERED)

    def new(self, unix_ns: int) -> str:
        """Return the id of a dropout that began at that time; later by milliseconds if another one has it."""
        milliseconds = unix_ns // 1_000_000
        while (found := _text(milliseconds)) in self._known:
            milliseconds += 1
        self._known.append(found)
        return found


def rfc3339(unix_ns: int) -> str:
    """Return the time in UTC with nanoseconds, such as `2026-11-29T13:35:01.042000000Z`."""
    seconds, nanoseconds = divmod(unix_ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{nanoseconds:09}Z"


def _text(milliseconds: int) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y%m%d-%H%M%S}-{rest:03}"
