"""The collector: what the agent supervises, snapshots and diagnoses."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import ClassVar

from collectors.findings import Check
from collectors.metrics import Family


class Collector(ABC):
    """One source of measurements.

    The supervisor calls `run()` on the event loop, and again, with back-off, if it ends or raises. `collect()` and the
    checks are called in other threads, each of them never twice at once: what `run()` shares with them must be read in
    one step (a reference to an immutable value, an `int`, a `tuple`, a `list(...)` or `dict(...)` copy).
    """

    name: ClassVar[str]
    """Lower case, one word: the value of the `collector` label and of `?collect[]=`."""

    async def run(self) -> None:
        """The long-lived work, if there is any. Ends only by cancellation, and then within a second."""
        await asyncio.Event().wait()

    @abstractmethod
    def collect(self) -> Iterable[Family]:
        """A cheap snapshot. Does not wait; does not raise for a source that is merely absent."""

    @property
    def parts(self) -> Mapping[str, AbstractSet[str]]:
        """What `?collect[]=` takes beside the collector's own name, and the names of the families of each such part."""
        return {}

    def checks(self) -> Sequence[Check]:
        """What `doctor` and the status page ask of this source."""
        return ()

    def state(self) -> object:
        """What `/-/status` shows of this source beyond metrics, as data that msgspec encodes; None if nothing.

        Called on the event loop.
        """
        return None

    def left_out(self, families: Mapping[str, str]) -> None:  # noqa: B027 - only who has foreign families cares
        """Told, after each page, which of this source's foreign families it lacks, and why. Called on the event loop.

        Args:
            families: In which way each contradicts a family of the agent's own, by its name.
        """
