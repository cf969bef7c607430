"""The list of the agent's own checks. Each subject has a module of its own.

A running agent reports its log files and Loki itself. Without one, these checks examine them.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agent import __version__
from agent.core.status import Status
from agent.core.versions import requirements
from agent.doctor.agent import clock, log_files, loki, port, state, versions
from agent.doctor.agent.locate import daemons_state, daemons_user
from agent.doctor.agent.settings import Settings
from collectors.findings import Check, Finding


@dataclass(frozen=True, slots=True)
class OwnChecks:
    """The checks of one agent.

    Attributes:
        settings: Its configuration.
        status: Its status; `None` if it does not run.
        root: The root of the machine's files.
    """

    settings: Settings
    status: Status | None
    root: Path = Path("/")

    def checks(self) -> tuple[Check, ...]:
        """Return the checks, those that use the network last. Each has a reason to be skipped if it does not apply."""
        linux = "" if sys.platform == "linux" else "only on Linux"
        running = "the agent runs" if self.status else ""
        no_loki = "" if self.settings.config.loki.url else "loki.url is not set"
        no_push = "" if self.settings.config.remote_write.url else "remote_write.url is not set"
        return (
            Check("agent.config", "The configuration can be used", lambda: self.settings.findings),
            Check("agent.versions", "Versions are compatible", self._versions),
            Check("agent.clock", "The clock is synchronized", self._clock, skip=linux),
            Check("agent.state", "The agent can keep its state", self._state, skip=running),
            Check("agent.port", "The agent's port is free", self._port, skip=running),
            Check("agent.log-files", "The agent's user can read the log files", self._log_files, skip=running),
            Check("agent.loki", "Loki accepts the agent's entries", self._loki, slow=True, skip=no_loki),
            Check(
                "agent.remote-write",
                "The receiver accepts the agent's metrics",
                self._remote_write,
                slow=True,
                skip=running or no_push,
            ),
        )

    def _versions(self) -> Sequence[Finding]:
        found = [*versions.check_libraries(it for it in requirements() if ";" not in it)]
        return [*found, *versions.check_daemon(self.status.version, __version__)] if self.status else found

    def _state(self) -> Sequence[Finding]:
        directory = daemons_state(self.settings.config, self.root)
        found = state.check(directory, daemons_user(self.status, self.root))
        return [*found, *state.check_positions(state.positions_file(directory))]

    def _clock(self) -> Sequence[Finding]:
        return [*clock.check(clock.kept(self.root))]

    def _port(self) -> Sequence[Finding]:
        return [*port.check(self.settings.config.web.listen)]

    def _log_files(self) -> Sequence[Finding]:
        sources = self.settings.config.logs.sources
        return [*log_files.check(sources, daemons_user(self.status, self.root))]

    def _loki(self) -> Sequence[Finding]:
        config = self.settings.config
        refused = loki.check_access(config.loki) if self.status is None else []
        return refused or [*loki.check_limits(loki.limits(config.loki), config.loki, config.logs)]

    def _remote_write(self) -> Sequence[Finding]:
        from agent.doctor.agent import remote_write  # loads snappy

        state_dir = daemons_state(self.settings.config, self.root)
        return [*remote_write.check_access(self.settings.config.remote_write), *remote_write.check_unsent(state_dir)]
