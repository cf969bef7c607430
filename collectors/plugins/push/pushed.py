"""One process that pushes its page."""

from __future__ import annotations

import time
from typing import NamedTuple

from collectors.plugins.instance import Instance, Poll
from collectors.plugins.parsed_page import split
from collectors.plugins.plan import Plan
from collectors.plugins.plugin import Admission, Plugin
from collectors.plugins.process_counts import ProcessCounts
from collectors.plugins.refusals import Reason, Refusal, RefusedError


class Push(NamedTuple):
    """One pushed page.

    Attributes:
        process: The random id that the process gave itself.
        page: The number of the page, which ascends within the process.
        known: The number of the last page whose acceptance the process knows of; 0 for none.
        body: The page.
        openmetrics: Whether the page is OpenMetrics rather than text 0.0.4.
        origin: The network of the caller.
    """

    process: str
    page: int
    known: int
    body: bytes
    openmetrics: bool
    origin: str


class PushedInstance(Instance):
    """A process that pushes its page.

    Args:
        plugin: The plugin that it belongs to.
        admission: The limits on new pages.
        origin: The network of the caller.

    Attributes:
        seen: The time of its last push, in seconds of the receiver's clock.
        plan: The plan of its last accepted page; None before the first.
    """

    def __init__(self, plugin: Plugin, admission: Admission, origin: str) -> None:
        super().__init__(plugin, f"push from {origin}")
        self.seen = 0.0
        self._admission = admission
        self._counts = ProcessCounts(past_is_known=False)
        self._page = 0
        self.plan: Plan | None = None

    async def receive(self, push: Push, free_gauges: int) -> tuple[Refusal, ...]:
        """Add the new counts of a page to the plugin's totals; return what cannot be added.

        A page that is not newer than the last one changes nothing: it was repeated, or overtaken.

        Args:
            push: The page.
            free_gauges: The number of gauges that the page may have.

        Raises:
            RefusedError: It is no page, or exceeds a limit.
        """
        began = time.monotonic()
        if push.page <= self._page:
            return ()
        try:
            plan, values = await self._read(push, free_gauges)
        except RefusedError as error:
            failure = Refusal(error.reason, error.detail)
            self.fail(Poll(time.monotonic() - began, failure), failure)
            raise
        if push.page <= self._page:
            return ()
        self._page, self.plan = push.page, plan
        parts = self._add(push, plan, values)
        gauges = tuple([values[gauge.sample] for gauge in plan.gauges])
        refused = (*plan.refused.values(), *parts)
        self.succeed(Poll(time.monotonic() - began, None, plan, gauges, refused))
        self.plugin.service = self.plugin.service or plan.service
        return refused

    async def _read(self, push: Push, free_gauges: int) -> tuple[Plan, list[float]]:
        lines = split(push.body, self._admission.max_samples, openmetrics=push.openmetrics, whole=True)
        plan, values = await self.plugin.read(lines, self.plan, openmetrics=push.openmetrics, admission=self._admission)
        if len(plan.gauges) > free_gauges:
            raise RefusedError(Reason.TOO_MANY_SERIES, "the app's processes reached plugins.push.max_series")
        return plan, values

    def _add(self, push: Push, plan: Plan, values: list[float]) -> list[Refusal]:
        if push.page == push.known:
            self._counts.learn(plan, values)
        return self._counts.fold(plan, values)
