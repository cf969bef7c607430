"""One plugin over all its instances: its series, the counts of its processes, and its refusals.

It outlives its instances, so that their counts stay in the totals.
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
"""The limit of summed series of one plugin. They are never forgotten, which bounds new label values."""

_Series = TypeVar("_Series", Counter, Distribution)

_MOST_PLANS = 4
_FEW_PROCESSES = 64  # too few to look for those that ended
_MOST_PROCESSES = 2_048


class Admission:
    """The limits on new pages of all plugins.

    Args:
        max_samples: The limit of sample lines on one page.
        names: The family names in use; by default none.
        max_series: The limit of summed series of one plugin; by default `MOST_SERIES`.

    Attributes:
        full: Whether the plugins together reached the limit of series, so that no page may add new ones.
        new_page_lock: Held while one new page is read. A new page takes fifty times as long as a known one. Many at
            once would all be late; one after another, only the last ones are.
    """

    def __init__(self, max_samples: int, names: FamilyNames | None = None, max_series: int | None = None) -> None:
        self.max_samples = max_samples
        self.names = FamilyNames() if names is None else names
        self.max_series = MOST_SERIES if max_series is None else max_series
        self.full = False
        self.new_page_lock = asyncio.Lock()

    def check(self, plugin: str) -> None:
        """Check that a plugin may add a new page.

        Raises:
            RefusedError: The plugins together have too many series.
        """
        if self.full:
            raise RefusedError(Reason.TOO_MANY_SERIES, f"{plugin}: all plugins together reached the limit of series")


class Plugin:
    """One plugin.

    Args:
        name: Its name.
        admission: The limits on new pages of its sockets.

    Attributes:
        service: The value of the label `service` on its last page; empty if no page had one.
    """

    def __init__(self, name: str, admission: Admission) -> None:
        self.name = name
        self.refusals = Refusals()
        self.service = ""
        self.series: dict[tuple[str, LabelNames, LabelValues], Counter | Distribution] = {}
        self._admission = admission
        self._label_names: dict[LabelNames, LabelNames] = {}
        self._numbers: set[int] = set()
        self._plans: list[Plan] = []
        self._most_processes = _FEW_PROCESSES
        self._counts: dict[tuple[str, Process], ProcessCounts] = {}

    def take_number(self) -> str:
        """Take the lowest free number for a new instance, which keeps the number of label values small."""
        number = next(number for number in range(1, len(self._numbers) + 2) if number not in self._numbers)
        self._numbers.add(number)
        return str(number)

    def free_number(self, number: str) -> None:
        """Free the number of an instance that ended."""
        self._numbers.remove(int(number))

    def process_counts(self, instance: str, process: Process, *, past_is_known: bool) -> ProcessCounts:
        """Return the counts of this process under this name."""
        key = (instance, process)
        if key not in self._counts:
            if len(self._counts) >= self._most_processes:
                self._forget_ended()
            self._counts[key] = ProcessCounts(past_is_known=past_is_known)
        return self._counts[key]

    async def read(
        self, lines: list[bytes], latest: Plan | None, *, openmetrics: bool, admission: Admission | None = None
    ) -> tuple[Plan, list[float]]:
        """Return the plan of a page with these lines, and its numbers.

        Reuse the latest plan of this or another instance if the lines fit it, else make a new one.

        Args:
            lines: The lines of the page.
            latest: The plan of the instance's last page.
            openmetrics: Whether the page is OpenMetrics rather than text 0.0.4.
            admission: The limits on a new page; by default those of sockets.

        Raises:
            RefusedError: The lines are no page, or exceed a limit.
        """
        if found := self._recognised(lines, latest, openmetrics=openmetrics):
            return found
        admission = admission or self._admission
        async with admission.new_page_lock:
            found = self._recognised(lines, None, openmetrics=openmetrics)  # another instance may have added it
            return found or await self._new(lines, admission, openmetrics=openmetrics)

    def forget_plans(self) -> None:
        """Forget the plans of known pages, so that the next pages are checked again."""
        self._plans = []

    def _recognised(
        self, lines: list[bytes], latest: Plan | None, *, openmetrics: bool
    ) -> tuple[Plan, list[float]] | None:
        for known in (*([latest] if latest else []), *self._plans):
            values = known.template.values(lines) if known.template.openmetrics == openmetrics else None
            if values is not None:
                return known, values
        return None

    async def _new(self, lines: list[bytes], admission: Admission, *, openmetrics: bool) -> tuple[Plan, list[float]]:
        admission.check(self.name)
        page = await read_page(lines, admission.max_samples, openmetrics=openmetrics)
        template = Template(lines, page)
        values = template.values(lines)
        made = await make_plan(page, template, admission.names, _Store(self, admission.max_series))
        self._plans = [made, *self._plans[: _MOST_PLANS - 1]]
        return made, values or []

    def find(self, kind: type[_Series], head: Head, labels: Labels, max_series: int) -> _Series:
        """Return the series with these labels, which is made at its first use.

        Raises:
            RefusedError: The plugin has too many series for a new one.
        """
        names, values = ("plugin", *(name for name, _ in labels)), (self.name, *(value for _, value in labels))
        found = self.series.get((head.name, names, values))
        if isinstance(found, kind) and found.head.type == head.type:
            return found
        if len(self.series) >= max_series:
            raise RefusedError(
                Reason.TOO_MANY_SERIES, f"{head.name}: exceeds the limit of {max_series} series of a plugin"
            )
        names = self._label_names.setdefault(names, names)
        made = self.series[head.name, names, values] = kind(head, names, values)
        return made

    def _forget_ended(self) -> None:
        """Forget the counts of ended processes, and the oldest ones if there are still too many."""
        for instance, process in [*self._counts]:
            if process.start and start_of(process.pid) != process.start:
                del self._counts[instance, process]
        while len(self._counts) >= _MOST_PROCESSES:
            del self._counts[next(iter(self._counts))]
        self._most_processes = max(2 * len(self._counts), _FEW_PROCESSES)


class _Store:
    """The series of a plugin, up to a limit, for the maker of a plan."""

    def __init__(self, plugin: Plugin, max_series: int) -> None:
        self._plugin = plugin
        self._max_series = max_series

    def counter(self, head: Head, labels: Labels) -> Counter:
        """Return the counter with these labels."""
        return self._plugin.find(Counter, head, labels, self._max_series)

    def distribution(self, head: Head, labels: Labels) -> Distribution:
        """Return the histogram or summary with these labels."""
        return self._plugin.find(Distribution, head, labels, self._max_series)
