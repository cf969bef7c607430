"""The push of metrics without a running agent: access to the receiver, and the interval."""

from __future__ import annotations

from agent.config.remote_write import RemoteWriteConfig
from agent.doctor.agent.receiver import ask
from agent.push import interval
from agent.push.health import Health, QueueState
from agent.push.verdict import judge
from agent.push.wire import EMPTY, HEADERS
from collectors.findings import Finding


def check_access(config: RemoteWriteConfig) -> list[Finding]:
    """Return the findings of a request without samples, and of the interval."""
    answer = ask(config, config.url, EMPTY, HEADERS)
    health = Health(config, QueueState)
    health.judged(answer, judge(answer).fault)
    return [*(finding for check in health.checks() for finding in check.run()), *interval.check(config)]
