"""One process of a plugin as its metrics show it: its number, its last page, and when it answered."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from collectors.plugins.plan import Plan
from collectors.plugins.plugin import Plugin
from collectors.plugins.refusals import Refusal


@dataclass(frozen=True, slots=True)
class Poll:
    """The result of one poll or push. Immutable, so any thread may read it.

    Attributes:
        duration: Its duration in seconds.
        failure: Why there is no page; None if there is one.
        plan: The plan of the page.
        gauges: The values of the plan's gauges.
        refused: The refused parts of the page.
        gone: Whether the socket's file was missing, as after a clean exit; the next look sees that too.
    """

    duration: float
    failure: Refusal | None = None
    plan: Plan | None = None
    gauges: tuple[float, ...] = ()
    refused: tuple[Refusal, ...] = ()
    gone: bool = False


class Instance:
    """One process of a plugin.

    Args:
        plugin: The plugin that it belongs to.
        place: The path of its socket, or the origin of its pushes.

    Attributes:
        number: The value of the label `plugin_instance`.
        last: The last poll or push; None before the first.
        first_answer: When this process first answered, in monotonic seconds; None if it never did.
        last_answer: When a process last answered, in monotonic seconds; None if none did.
    """

    def __init__(self, plugin: Plugin, place: str) -> None:
        self.plugin = plugin
        self.place = place
        self.number = plugin.take_number()
        self.last: Poll | None = None
        self.first_answer: float | None = None
        self.last_answer: float | None = None

    @property
    def stale(self) -> bool:
        """True if the process ended and left the socket behind."""
        return False

    @property
    def ended(self) -> bool:
        """True if no process listens any more, after a clean exit or a crash."""
        return False

    @property
    def pid(self) -> int:
        """The process; 0 if it is unknown."""
        return 0

    def succeed(self, poll: Poll) -> None:
        """Keep a poll that returned a page, and count its refused parts."""
        self.last = poll
        self.last_answer = time.monotonic()
        self.first_answer = self.last_answer if self.first_answer is None else self.first_answer
        self._count(poll.refused)

    def fail(self, poll: Poll, failure: Refusal) -> None:
        """Keep a poll that returned no page, and count it."""
        self.last = poll
        self._count([failure])

    def _count(self, refused: Iterable[Refusal]) -> None:
        for reason, detail in refused:
            self.plugin.refusals.add(reason, f"{self.place}: {detail}")
