"""The agent's own metrics: the health of its collectors and its event loop, and its findings."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from agent import __version__
from agent.core.diagnosis import Outcome
from agent.core.loop_monitor import UNHEALTHY_LAG, LoopMonitor
from agent.core.supervisor import Supervisor
from agent.web.security.report import SecurityReport
from collectors import remedies
from collectors.base import Collector
from collectors.findings import Check, Finding, Severity
from collectors.metrics import Family, LabelValues, counter, gauge

_BY_COLLECTOR = ("collector",)


class OwnMetrics(Collector):
    """The collector of the agent's own metrics.

    Args:
        supervisor: The supervisor of the collectors to report on.
        loop: The monitor of the event loop, which runs together with this collector.
        outcomes: Returns the last outcomes of all checks.
        security: The report on the security of the agent's port.
        refusal: Returns why the last reload was refused; empty if it was accepted.
    """

    name = "agent"
    reads_memory_only = True

    def __init__(
        self,
        supervisor: Supervisor,
        loop: LoopMonitor,
        outcomes: Callable[[], Sequence[Outcome]],
        security: SecurityReport,
        refusal: Callable[[], str],
    ) -> None:
        self._supervisor = supervisor
        self._loop = loop
        self._outcomes = outcomes
        self._security = security
        self._refusal = refusal

    async def run(self) -> None:
        """Measure the event loop."""
        await self._loop.run()

    def collect(self) -> Iterable[Family]:
        """Return the families of the supervisor, the event loop, the port, the findings and the build."""
        return [
            gauge(
                "wr_agent_build_info",
                "Version of the agent and of its Python interpreter.",
                {(__version__, platform.python_version()): 1.0},
                ("version", "python"),
            ),
            self._loop.family(),
            *self._collectors(),
            *self._security.families(),
            self._findings(),
        ]

    def _collectors(self) -> Iterable[Family]:
        health = list(self._supervisor.supervised.items())
        return (
            gauge(
                "wr_agent_collector_up",
                "1 if the collector runs and its last snapshot was valid.",
                {(name,): int(not it.error) for name, it in health},
                _BY_COLLECTOR,
            ),
            gauge(
                "wr_agent_collector_duration_seconds",
                "Duration of the collector's last snapshot.",
                {(name,): it.duration for name, it in health},
                _BY_COLLECTOR,
            ),
            counter(
                "wr_agent_collector_errors_total",
                "Times the collector stopped, failed to produce a snapshot or produced invalid metrics.",
                {(name,): it.errors for name, it in health},
                _BY_COLLECTOR,
            ),
            counter(
                "wr_agent_collector_restarts_total",
                "Times the collector was restarted after it stopped.",
                {(name,): it.restarts for name, it in health},
                _BY_COLLECTOR,
            ),
        )

    def _findings(self) -> Family:
        found: Counter[LabelValues] = Counter(
            (finding.code, finding.severity.value) for outcome in self._outcomes() for finding in outcome.findings
        )
        return gauge(
            "wr_agent_finding",
            "Number of current findings with this code on this machine; see wr-agent doctor.",
            dict(found),
            ("code", "severity"),
        )

    def checks(self) -> Sequence[Check]:
        """Return the checks of the agent's own work and security."""
        return (
            Check("agent.collectors", "All collectors work", self._check_collectors),
            Check("agent.loop", "The agent answers promptly", self._check_loop),
            Check("agent.reload", "The last reload was accepted", self._check_reload),
            *self._security.checks(),
        )

    def _check_collectors(self) -> Sequence[Finding]:
        return [
            Finding(
                code="agent-collector-down",
                title=f"The collector {name} does not work",
                severity=Severity.FAILURE,
                detail=f"Expected a valid snapshot, got: {supervised.error} "
                f"(errors {supervised.errors}, restarts {supervised.restarts}).",
                affects=f"The metrics of {name} are missing from /metrics; the agent keeps retrying.",
                remedy=("wr-agent doctor -v", "Report this bug with the agent's log; a collector should not fail."),
            )
            for name, supervised in list(self._supervisor.supervised.items())
            if supervised.error
        ]

    def _check_reload(self) -> Sequence[Finding]:
        if not self._refusal():
            return ()
        return (
            Finding(
                code="config-refused",
                title="The agent runs with older settings than its configuration file",
                severity=Severity.WARNING,
                detail=f"The last reload was refused: {self._refusal()}",
                affects="Later changes of the configuration are not in effect; a restart would fail.",
                remedy=("wr-agent check-config", *remedies.reload_agent()),
            ),
        )

    def _check_loop(self) -> Sequence[Finding]:
        if self._loop.last < UNHEALTHY_LAG:
            return ()
        return (
            Finding(
                code="agent-loop-late",
                title="The agent is late",
                severity=Severity.FAILURE,
                detail=f"A timer fired {self._loop.last:.1f} s late; expected less than {UNHEALTHY_LAG:g} s.",
                affects="Scrapes time out, and measurements are late.",
                remedy=("top  # shows the process that uses the CPU; a machine that was just suspended recovers",),
            ),
        )
