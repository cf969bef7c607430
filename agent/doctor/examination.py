"""Asks everything there is to ask, in the order that a person should read it: the agent, the machine, the sources.

What asks over the network or other programs comes last, after it was announced.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from agent.config.schema import Config
from agent.core.diagnosis import Diagnosis, Outcome
from agent.core.health import SETTLE
from agent.core.status import Status
from agent.doctor.agent.checks import OwnChecks
from agent.doctor.agent.locate import ask, is_forbidden
from agent.doctor.agent.settings import Settings, without_logs
from agent.doctor.machine.checks import machine_checks
from agent.terminal import client
from collectors.findings import Check, Finding, Severity
from collectors.offloop import start

RUNNING = ("agent.running", "The agent runs")


class Examination:
    """One round of all checks, here and now.

    Args:
        settings: The agent's configuration.
        wanted: Whether the check of a name is to be carried out. Quick ones are anyway: they may explain others.
        announce: Told what takes a while, before it begins.
        root: Where the machine's files are.

    Attributes:
        settings: The agent's configuration.
        status: What the agent that runs says of itself; `None` if none does.
        reached: The configuration by which that agent can be asked again.
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
        """Find out whether the agent runs, which decides what there is to be asked."""
        try:
            self.status, self.reached = await start(lambda: ask(self.settings.config), "ask the agent")
        except client.NotRunningError as error:
            self._not_running = error

    def names(self) -> list[tuple[str, str]]:
        """Name and title of every check there is."""
        own = [(check.name, check.title) for check in self._checks()]
        return [RUNNING, *own, *self._source_names()]

    async def outcomes(self) -> list[Outcome]:
        """What all checks found; nothing is hidden yet."""
        quick = await Diagnosis(check for check in self._checks() if not check.slow).run()
        sources = await self._sources()
        slow = [check for check in self._checks() if check.slow and self._wanted(check.name)]
        for check in slow:
            self._announce(f"checking: {check.title}")
        return [self._running(), *quick, *sources, *await Diagnosis(slow).run()]

    def _checks(self) -> Iterable[Check]:
        return (*OwnChecks(self.settings, self.status, self._root).checks(), *machine_checks(self._root))

    def _source_names(self) -> list[tuple[str, str]]:
        if self.status is not None:
            return [(it.name, it.title) for it in self.status.checks]
        from agent.core.collectors import Collectors

        return Collectors(without_logs(self.settings.config)).checks()

    async def _sources(self) -> Sequence[Outcome]:
        """What the running agent has seen, or what is seen here within a moment; without one, nothing of logs."""
        if self.status is not None:
            return self.status.checks
        if not any(self._wanted(name) for name, _ in self._source_names()):
            return ()
        return await _measured(without_logs(self.settings.config), self._announce)

    def _running(self) -> Outcome:
        return Outcome(*RUNNING, (_not_running(self._not_running),) if self._not_running else ())


async def _measured(config: Config, announce: Callable[[str], None]) -> list[Outcome]:
    from agent.core.collectors import Collectors

    sources = Collectors(config)
    sources.start()
    try:
        announce(f"no agent runs: measuring for {SETTLE:g} s")
        await asyncio.sleep(SETTLE)
        await sources.supervisor.snapshot(sources.supervisor.supervised.keys())
        return list(await sources.health.outcomes())
    finally:
        await sources.stop()


def _not_running(error: client.NotRunningError) -> Finding:
    said = str(error)
    measured = f"{said[0].upper()}{said[1:]}. What follows was measured by doctor itself within {SETTLE:g} s."
    if is_forbidden(error):
        return Finding(
            code="agent-out-of-reach",
            title="Whether the agent runs is not for this user to see",
            severity=Severity.INFO,
            detail=measured,
            affects="What the agent has seen since it was started is not shown here.",
            remedy=("sudo wr-agent doctor",),
        )
    return Finding(
        code="agent-not-running",
        title="The agent does not run",
        severity=Severity.WARNING,
        detail=measured,
        affects="Nobody is told when something goes wrong on this machine.",
        remedy=("./start.sh", "or: wr-agent run"),
    )
