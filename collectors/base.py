"""The base class of a collector, which the agent supervises, scrapes and diagnoses."""

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

    The supervisor calls `run()` on the event loop and restarts it with back-off if it ends or raises. It calls
    `collect()` and the checks in other threads, each of them one call at a time. These must read in one step what
    `run()` shares with them: a reference to an immutable value, an `int`, a `tuple`, a `list(...)` or `dict(...)` copy.
    """

    name: ClassVar[str]
    """One lower-case word: the value of the `collector` label and of `?collect[]=`."""

    reads_memory_only: ClassVar[bool] = False
    """True if `collect()` opens no file, so that it may run on the event loop of a machine without spare threads."""

    def prepare(self) -> None:  # noqa: B027 - most collectors name no files
        """Check and read the files that the configuration names. Called once, in a thread, before `restore`.

        A collector of an older configuration may run at this time, so nothing is written here. `check-config` calls
        this too.

        Raises:
            Exception: A file is unusable. The agent refuses the configuration with this text.
        """

    def restore(self) -> None:  # noqa: B027 - most collectors keep no state
        """Read the state of an earlier run. Called once, in a thread, before `run` and after the predecessor's end.

        Must not raise: without a usable state, the collector starts afresh.
        """

    async def run(self) -> None:
        """Do the long-lived work, if there is any. It ends only by cancellation, within a second."""
        await asyncio.Event().wait()

    @abstractmethod
    def collect(self) -> Iterable[Family]:
        """Return a cheap snapshot. It does not wait, and an absent source is no error."""

    def view(self) -> object:
        """Return the live values for the status page as a typed snapshot; None if there are none.

        Called like `collect()`: cheap, in a thread, without waiting.
        """
        return None

    @property
    def parts(self) -> Mapping[str, AbstractSet[str]]:
        """The further values that `?collect[]=` takes, and the names of the families of each."""
        return {}

    def checks(self) -> Sequence[Check]:
        """Return the checks of this source for `doctor` and the status page."""
        return ()

    def state(self) -> object:
        """Return the state that `/-/status` shows beyond metrics, as data that msgspec encodes; None if there is none.

        Called on the event loop.
        """
        return None

    def left_out(self, families: Mapping[str, str]) -> None:  # noqa: B027 - only who has foreign families cares
        """Take note of the foreign families that the last page left out. Called on the event loop after each page.

        Args:
            families: The reason by family name: how it contradicts a family of the agent.
        """
