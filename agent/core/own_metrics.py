"""The agent measured as one of its own sources: the health of its collectors, its loop, and what it has found."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from agent import __version__
from agent.core.diagnosis import Outcome
from agent.core.loop_monitor import UNHEALTHY_LAG, LoopMonitor
from agent.core.supervisor import Supervisor
from agent.web.security.report import SecurityReport
from collectors.base import Collector
from collectors.findings import Check, Finding, Severity
from collectors.metrics import Family, LabelValues, counter, gauge

_BY_COLLECTOR = ("collector",)


class OwnMetrics(Collector):
    """What the agent says of itself.

    Args:
        supervisor: Whose collectors to report on.
        loop: The measure of the event loop, which runs for as long as this collector does.
        outcomes: The last outcomes of all checks.
        security: What the agent says of the security of its port.
        refusal: Why the last reload was refused; empty if it was not.
    """

    name = "agent"

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
        """Section 4's families, `wr_agent_finding`, and the build."""
        return [
            gauge(
                "wr_agent_build_info",
                "The agent's version and its Python's.",
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
                "Whether the collector runs and its last snapshot could be exposed.",
                {(name,): int(not it.error) for name, it in health},
                _BY_COLLECTOR,
            ),
            gauge(
                "wr_agent_collector_duration_seconds",
                "How long the collector's last snapshot took.",
                {(name,): it.duration for name, it in health},
                _BY_COLLECTOR,
            ),
            counter(
                "wr_agent_collector_errors_total",
                "How often the collector stopped, or a snapshot of it failed or could not be exposed.",
                {(name,): it.errors for name, it in health},
                _BY_COLLECTOR,
            ),
            counter(
                "wr_agent_collector_restarts_total",
                "How often the collector was started again after it stopped.",
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
            "How many findings of this code stand on this machine; see wr-agent doctor.",
            dict(found),
            ("code", "severity"),
        )

    def checks(self) -> Sequence[Check]:
        """Whether the agent itself does its work, and safely."""
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
                detail=f"Expected a snapshot that can be exposed, got: {supervised.error} "
                f"(errors {supervised.errors}, restarts {supervised.restarts}).",
                affects=f"The metrics of {name} are missing from /metrics; it is tried again all the time.",
                remedy=("wr-agent doctor -v", "Report it with the agent's log: no collector should fail as a whole."),
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
                title="The agent runs with older settings than its file says",
                severity=Severity.WARNING,
                detail=f"The last reload was refused: {self._refusal()}",
                affects="What was changed in the configuration since is not in effect; a restart would fail.",
                remedy=("wr-agent check-config", "systemctl reload wr-agent, or SIGHUP, once it is mended"),
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
                detail=f"A timer was served {self._loop.last:.1f} s late; under {UNHEALTHY_LAG:g} s is expected.",
                affects="Scrapes time out, and measurements are taken late.",
                remedy=("top", "Look for what takes the processor, or for a machine that was suspended just now."),
            ),
        )
