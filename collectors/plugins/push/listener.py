"""The interface of the server that receives pushes. The agent implements it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from collectors.findings import Check
from collectors.metrics import Family
from collectors.plugins.push.receiver import Receiver


class PushListener(Protocol):
    """A server that passes pushed pages to a receiver."""

    def prepare(self) -> None:
        """Read the files that the server needs. Blocks on the disk.

        Raises:
            Exception: A file is unusable.
        """

    async def serve(self, receiver: Receiver) -> None:
        """Serve until cancelled."""

    def families(self) -> Iterable[Family]:
        """Return the families about the server."""

    def checks(self) -> Sequence[Check]:
        """Return the checks of the server."""
