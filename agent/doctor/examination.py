"""One round of all checks: the agent, the machine, the collectors.

Slow checks, which use the network or run programs, come last and are announced.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from agent.core.diagnosis import Diagnosis, Outcome
from agent.core.health import SETTLE
from agent.core.remedy_text import RemedyText
from agent.core.status import Status
from agent.doctor.agent.checks import OwnChecks
from agent.doctor.agent.locate import ask, is_forbidden
from agent.doctor.agent.settings import Settings, without_logs
from agent.doctor.machine.checks import machine_checks
from agent.terminal import client
from collectors import remedies
from collectors.findings import Check, Finding, Severity
from collectors.offloop import start

RUNNING = ("agent.running", "The agent runs")


class Examination:
    """One round of all checks.

    Args:
        settings: The agent's configuration.
        wanted: Selects slow checks by name. Quick checks always run, since they may explain other findings.
        announce: Receives a text before each slow step.
        root: The root of the machine's files.

    Attributes:
        settings: The agent's configuration.
        status: The status of the running agent; `None` if none runs.
        reached: The configuration that reaches that agent.
    """

    def __init__(
        self,
        settings: Settings,
        wanted: Callable[[str], bool] = lambda _: True,
        announce: Callable[[str], None] = lambda _: None,
        root: Path = Path("/"),
    ) -> None:
        self.settings = settings
        self._wanted = wanted
        self._announce = announce
        self._root = root
        self.status: Status | None = None
        self.reached = settings.config
        self._not_running: client.NotRunningError | None = None

    async def begin(self) -> None:
        """Ask the running agent for its status, which decides the set of checks."""
        try:
            self.status, self.reached = await start(lambda: ask(self.settings.config), "ask the agent")
        except client.NotRunningError as error:
            self._not_running = error

    def names(self) -> list[tuple[str, str]]:
        """Return the name and title of every check, which are the same whether the agent runs or not."""
        own = [(check.name, check.title) for check in self._checks()]
        return [RUNNING, *own, *self._collectors_names()]

    async def outcomes(self) -> list[Outcome]:
        """Return the outcomes of all checks. Consequences are not hidden yet."""
        quick = await self._diagnosis(check for check in self._checks() if not check.slow).run()
        collectors = await self._collectors_outcomes()
        slow = [check for check in self._checks() if check.slow and self._wanted(check.name)]
        for check in slow:
            if not check.skip:
                self._announce(f"checking: {check.title}")
        return [self._running(), *quick, *collectors, *self._missing(collectors), *await self._diagnosis(slow).run()]

    def _checks(self) -> Iterable[Check]:
        return (*OwnChecks(self.settings, self.status, self._root).checks(), *machine_checks(self._root))

    def _collectors_names(self) -> list[tuple[str, str]]:
        from agent.core.collectors import Collectors

        found = dict(Collectors(self.settings.config).checks())
        running = {it.name: it.title for it in self.status.checks} if self.status else {}
        return list((running | found).items())

    async def _collectors_outcomes(self) -> Sequence[Outcome]:
        """Return the outcomes of the running agent, or those of a short measurement here, without logs."""
        if self.status is not None:
            return self.status.checks
        if not any(self._wanted(name) for name, _ in self._collectors_names()):
            return ()
        return await _measured(replace(self.settings, config=without_logs(self.settings.config)), self._announce)

    def _missing(self, found: Sequence[Outcome]) -> Iterator[Outcome]:
        """Yield the outcome of each check of a collector that does not run."""
        names = {it.name for it in found}
        for name, title in self._collectors_names():
            if name not in names:
                yield Outcome(name, title, (), self._reason_to_miss(name.partition(".")[0]))

    def _reason_to_miss(self, collector: str) -> str:
        if self.status is not None:
            return f"the running agent has no collector {collector}"
        if collector == "logs" and self.settings.config.logs.sources:
            return "only the running agent reads logs"
        return f"the configuration switches {collector} off"

    def _running(self) -> Outcome:
        if self._not_running is None:
            return Outcome(*RUNNING, ())
        return Outcome(*RUNNING, (RemedyText(self.settings.path).completed(_not_running(self._not_running)),))

    def _diagnosis(self, checks: Iterable[Check]) -> Diagnosis:
        return Diagnosis(checks, self.settings.path)


async def _measured(settings: Settings, announce: Callable[[str], None]) -> list[Outcome]:
    from agent.core.collectors import Collectors

    sources = Collectors(settings.config, settings.path, with_state=False)
    await sources.start()
    try:
        announce(f"no agent runs: measuring for {SETTLE:g} s")
        await asyncio.sleep(SETTLE)
        await sources.supervisor.snapshot(sources.supervisor.supervised.keys())
        return list(await sources.health.outcomes())
    finally:
        await sources.stop()


def _not_running(error: client.NotRunningError) -> Finding:
    said = str(error)
    measured = f"{said[0].upper()}{said[1:]}. Doctor measured for {SETTLE:g} s itself."
    if is_forbidden(error):
        return Finding(
            code="agent-out-of-reach",
            title="This user may not ask the agent",
            severity=Severity.INFO,
            detail=measured,
            affects="The findings below do not include what the agent has recorded since its start.",
            remedy=("sudo wr-agent doctor",),
        )
    return Finding(
        code="agent-not-running",
        title="The agent does not run",
        severity=Severity.WARNING,
        detail=measured,
        affects="No fault of this machine is recorded or reported.",
        remedy=remedies.start_agent(),
    )
