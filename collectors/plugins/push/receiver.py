"""All processes that push, within the limits of `[plugins.push]`.

A process gives itself a random id, which never becomes a label, and numbers its pages. Pages are cumulative: a lost one
costs nothing, and one that is repeated or overtaken changes nothing. The agent may forget a process at any time. The
process then repeats its last accepted page first, whose counts are not added again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NoReturn

from collectors.plugins.names import FamilyNames, Head, PushedFamilyNames
from collectors.plugins.plugin import Admission, Plugin
from collectors.plugins.push.config import PushConfig
from collectors.plugins.push.pushed import Push, PushedInstance
from collectors.plugins.push.tokens import Tokens
from collectors.plugins.refusals import Reason, Refusal, RefusedError
from collectors.plugins.sockets import UNNAMED
from collectors.throttle import Throttle

_BURST = 4
_NEW_PAGES = 50
_NEW_PAGE_INTERVAL = 1.0
"""The burst of pages with new series of one plugin, and the seconds until one more: each takes 14 µs a sample."""

MOST_HELD = 50_000
"""The limit of samples on the different pages of one plugin: each takes half a kilobyte. Equal pages count once."""


class UnknownProcessError(Exception):
    """The agent does not know the process, which has to repeat its last accepted page first."""


class Receiver:
    """The receiver of pushed pages.

    Args:
        config: The section `[plugins.push]`.
        names: The family names of the sockets' pages.
        plugin: Returns the plugin of a name, which is made at its first use.
        clock: Returns the seconds of a monotonic clock.
    """

    def __init__(
        self,
        config: PushConfig,
        names: FamilyNames,
        plugin: Callable[[str], Plugin],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.tokens = Tokens(config.token_files)
        self._config = config
        self._plugin = plugin
        self._clock = clock
        self._names = PushedFamilyNames(names)
        self._overruled: frozenset[Head] = frozenset()
        self._admission = PushAdmission(config, self._names, self._held, clock)
        self._instances: dict[tuple[str, str], PushedInstance] = {}
        self._pushes = Throttle(_BURST, config.interval, clock)

    @property
    def instances(self) -> list[PushedInstance]:
        """The processes that push now. A copy, which any thread may take."""
        return list(self._instances.values())

    @property
    def overruled(self) -> frozenset[Head]:
        """The families that contradict one of a socket's page, which came later."""
        return self._names.overruled()

    def authorize(self, token: str, origin: str) -> str | None:
        """Return the plugin that the caller may push for; None, and count it, if the token is unknown."""
        plugin = self.tokens.plugin(token)
        if plugin is None:
            detail = f"push from {origin}: expected a token of plugins.push.token_files"
            self._plugin(UNNAMED).refusals.add(Reason.UNAUTHORIZED, detail)
        return plugin

    async def receive(self, plugin: str, push: Push) -> tuple[Refusal, ...]:
        """Add the new counts of a page to the totals of a plugin; return the refused parts of the page.

        Raises:
            UnknownProcessError: The process has to repeat its last accepted page first.
            RefusedError: The page is refused.
        """
        self._check_rate(plugin, push)
        instance = self._instances.get((plugin, push.process)) or self._begin(plugin, push)
        instance.seen = self._clock()
        self._check_names()
        return await instance.receive(push, self._free_gauges(instance))

    def end(self, plugin: str, process: str) -> None:
        """End a process that stops pushing; its counts stay in the totals."""
        instance = self._instances.pop((plugin, process), None)
        if instance:
            instance.plugin.free_number(instance.number)

    def expire(self) -> None:
        """End the processes that have not pushed for a while."""
        oldest = self._clock() - self._config.expiry
        for (plugin, process), instance in [*self._instances.items()]:
            if instance.seen < oldest:
                self.end(plugin, process)

    def _begin(self, name: str, push: Push) -> PushedInstance:
        if 0 < push.known < push.page:
            raise UnknownProcessError
        plugin = self._plugin(name)
        if sum(of == name for of, _ in self._instances) >= self._config.max_apps:
            self._refuse(plugin, push, Reason.TOO_MANY_APPS, f"{self._config.max_apps} processes push already")
        made = self._instances[name, push.process] = PushedInstance(plugin, self._admission, push.origin)
        return made

    def _check_rate(self, name: str, push: Push) -> None:
        key = f"{name} {push.process}"
        if self._pushes.wait(key):
            interval = f"{self._config.interval:g} s"
            self._refuse(self._plugin(name), push, Reason.RATE_LIMIT, f"expected one page each {interval}, got more")
        self._pushes.take(key)

    def _refuse(self, plugin: Plugin, push: Push, reason: Reason, detail: str) -> NoReturn:
        plugin.refusals.add(reason, f"push from {push.origin}: {detail}")
        raise RefusedError(reason, detail)

    def _check_names(self) -> None:
        """Check all pages again if a socket's page has overruled a family since."""
        overruled = self._names.overruled()
        if overruled != self._overruled:
            self._overruled = overruled
            for instance in self._instances.values():
                instance.plan = None  # so that the next page is checked again
                instance.plugin.forget_plans()

    def _held(self, plugin: str) -> int:
        held = (it.plan for it in self._instances.values() if it.plugin.name == plugin)
        plans = {id(plan): plan for plan in held if plan}
        return sum(plan.template.samples for plan in plans.values())

    def _free_gauges(self, instance: PushedInstance) -> int:
        plugin = instance.plugin
        others = (it.last for it in self._instances.values() if it.plugin is plugin and it is not instance)
        return self._config.max_series - len(plugin.series) - sum(len(last.gauges) for last in others if last)


class PushAdmission(Admission):
    """The limits on new pushed pages.

    Args:
        config: The section `[plugins.push]`.
        names: The family names of pushed pages.
        held: Returns the number of samples on the different pages of a plugin.
        clock: Returns the seconds of a monotonic clock.
    """

    def __init__(
        self, config: PushConfig, names: PushedFamilyNames, held: Callable[[str], int], clock: Callable[[], float]
    ) -> None:
        super().__init__(config.max_samples, names, config.max_series)
        self._held = held
        self._new_pages = Throttle(_NEW_PAGES, _NEW_PAGE_INTERVAL, clock)

    def check(self, plugin: str) -> None:
        """Check that a plugin may add a new page.

        Raises:
            RefusedError: Its processes have pushed too many pages with new series.
        """
        if self._held(plugin) >= MOST_HELD:
            detail = f"expected pages of few kinds, got different ones with {MOST_HELD} samples together"
            raise RefusedError(Reason.TOO_MANY_SERIES, detail)
        if self._new_pages.wait(plugin):
            raise RefusedError(Reason.RATE_LIMIT, "expected pages of few kinds, got too many with other series")
        self._new_pages.take(plugin)
