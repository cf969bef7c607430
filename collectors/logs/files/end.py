"""For how long the end of a file has not changed. What is done with it then is `generation`'s."""

from __future__ import annotations

import time
from typing import NamedTuple


class End(NamedTuple):
    """The end of a file, as it was looked at.

    Attributes:
        offset: How far the file is acknowledged.
        unfinished: Bytes after that which make no whole line or entry yet; NULs at the end are space yet to be written.
        names: How many names the file has: none once it is deleted.
    """

    offset: int = 0
    unfinished: int = 0
    names: int = 1


class EndWatch:
    """Watches the end of one file.

    Attributes:
        seen: What was there at the last look.
    """

    def __init__(self) -> None:
        self.seen = End()
        self._since = time.monotonic()

    @property
    def quiet(self) -> float:
        """Seconds since it last changed, as far as was looked."""
        return time.monotonic() - self._since

    def see(self, end: End) -> None:
        """Take note of what is there now."""
        if end != self.seen:
            self.seen = end
            self.wait_anew()

    def wait_anew(self) -> None:
        """Count from now on, though nothing changed."""
        self._since = time.monotonic()
