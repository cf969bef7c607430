"""All that is known of one plugin, over all its instances: its series, its lives, and what was refused of it.

Outlives its instances: what they counted stays in the totals.
"""

from __future__ import annotations

import asyncio
from typing import TypeVar

from collectors.exposition_text.lines import Labels
from collectors.metrics import LabelNames, LabelValues
from collectors.plugins.names import FamilyNames, Head
from collectors.plugins.parsed_page import Template, read_page
from collectors.plugins.plan import Plan, make_plan
from collectors.plugins.process_counts import ProcessCounts
from collectors.plugins.refusals import Reason, Refusals, RefusedError
from collectors.plugins.series import Counter, Distribution
from collectors.plugins.trust import Process, start_of

MOST_SERIES = 10_000
"""Series of one plugin that are summed at most. They are never forgotten, so that labels cannot be new for ever."""

_Series = TypeVar("_Series", Counter, Distribution)

_MOST_PLANS = 4
_FEW_PROCESSES = 64  # are not worth looking which of them ended
_MOST_PROCESSES = 2_048


class Admission:
    """What new pages of all plugins have to pass.

    Attributes:
        max_samples: Sample lines that one page may have.
        names: The family names in use.
        full: Whether the plugins together have as many series as the agent takes, so that no page may bring new ones.
        turn: Held while one is read. A new page takes fifty times as long as a known one: many at once would all come
            late, one after another only the last do.
    """

    def __init__(self, max_samples: int) -> None:
        self.max_samples = max_samples
        self.names = FamilyNames()
        self.full = False
        self.new_page_lock = asyncio.Lock()


class Plugin:
    """One plugin.

    Args:
        name: Its name.
        admission: What its pages have to pass.

    Attributes:
        service: The value of the label `service` on its last page; empty if no page had one.
    """

    def __init__(self, name: str, admission: Admission) -> None:
        self.name = name
        self.refusals = Refusals()
        self.service = ""
        self.series: dict[tuple[Head, LabelNames, LabelValues], Counter | Distribution] = {}
        self._admission = admission
        self._label_names: dict[LabelNames, LabelNames] = {}
        self._numbers: set[int] = set()
        self._plans: list[Plan] = []
        self._most_processes = _FEW_PROCESSES
        self._counts: dict[tuple[str, Process], ProcessCounts] = {}

    def take_number(self) -> str:
        """The lowest free number, for a new instance: however many come and go, there are few label values."""
        number = next(number for number in range(1, len(self._numbers) + 2) if number not in self._numbers)
        self._numbers.add(number)
        return str(number)

    def free_number(self, number: str) -> None:
        """Let the number of an instance that is gone be taken again."""
        self._numbers.remove(int(number))

    def process_counts(self, instance: str, process: Process, *, past_is_known: bool) -> ProcessCounts:
        """What was seen of this process under this name."""
        key = (instance, process)
        if key not in self._counts:
            if len(self._counts) >= self._most_processes:
                self._forget_ended()
            self._counts[key] = ProcessCounts(past_is_known=past_is_known)
        return self._counts[key]

    async def read(self, lines: list[bytes], latest: Plan | None, *, openmetrics: bool) -> tuple[Plan, list[float]]:
        """What a page with these lines is, and its numbers.

        The plan is the latest of the instance, or one of another instance, if the lines fit it; else a new one.

        Raises:
            RefusedError: The lines are no page, or one too many.
        """
        if found := self._recognised(lines, latest, openmetrics=openmetrics):
            return found
        async with self._admission.new_page_lock:
            found = self._recognised(lines, None, openmetrics=openmetrics)  # another instance may have brought it
            return found or await self._new(lines, openmetrics=openmetrics)

    def _recognised(
        self, lines: list[bytes], latest: Plan | None, *, openmetrics: bool
    ) -> tuple[Plan, list[float]] | None:
        for known in (*([latest] if latest else []), *self._plans):
            values = known.template.values(lines) if known.template.openmetrics == openmetrics else None
            if values is not None:
                return known, values
        return None

    async def _new(self, lines: list[bytes], *, openmetrics: bool) -> tuple[Plan, list[float]]:
        page = await read_page(lines, self._admission.max_samples)
        if self._admission.full:
            raise RefusedError(Reason.TOO_MANY_SERIES, "all plugins together have as many series as the agent takes")
        template = Template(lines, page, openmetrics=openmetrics)
        values = template.values(lines)
        made = await make_plan(page, template, self._admission.names, self)
        self._plans = [made, *self._plans[: _MOST_PLANS - 1]]
        return made, values or []

    def counter(self, head: Head, labels: Labels) -> Counter:
        """The counter with these labels."""
        return self._find(Counter, head, labels)

    def distribution(self, head: Head, labels: Labels) -> Distribution:
        """The histogram or summary with these labels."""
        return self._find(Distribution, head, labels)

    def _find(self, kind: type[_Series], head: Head, labels: Labels) -> _Series:
        names, values = ("plugin", *(name for name, _ in labels)), (self.name, *(value for _, value in labels))
        found = self.series.get((head, names, values))
        if isinstance(found, kind):
            return found
        if len(self.series) >= MOST_SERIES:
            raise RefusedError(Reason.TOO_MANY_SERIES, f"{head.name}: one more than {MOST_SERIES} series of a plugin")
        names = self._label_names.setdefault(names, names)
        made = self.series[head, names, values] = kind(head, names, values)
        return made

    def _forget_ended(self) -> None:
        """Forget the lives of processes that ended; the oldest, if there are many all the same."""
        for instance, process in [*self._counts]:
            if process.start and start_of(process.pid) != process.start:
                del self._counts[instance, process]
        while len(self._counts) >= _MOST_PROCESSES:
            del self._counts[next(iter(self._counts))]
        self._most_processes = max(2 * len(self._counts), _FEW_PROCESSES)
