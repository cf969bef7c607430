"""The push of metrics without a running agent: access to the receiver, the interval, and unsent snapshots."""

from __future__ import annotations

from pathlib import Path

from agent.config.remote_write import RemoteWriteConfig
from agent.doctor.agent.receiver import ask
from agent.push import interval, unsent
from agent.push.health import Health, QueueState
from agent.push.remote_write import DIRECTORY
from agent.push.verdict import judge
from agent.push.wire import EMPTY, HEADERS
from collectors.findings import Finding


def check_unsent(state_dir: Path) -> list[Finding]:
    """Return a finding if the agent has left unsent snapshots in its state directory."""
    return unsent.check(state_dir / DIRECTORY)


def check_access(config: RemoteWriteConfig) -> list[Finding]:
    """Return the findings of a request without samples, and of the interval."""
    answer = ask(config, config.url, EMPTY, HEADERS)
    health = Health(config, QueueState)
    health.judged(answer, judge(answer).fault)
    return [*(finding for check in health.checks() for finding in check.run()), *interval.check(config)]
