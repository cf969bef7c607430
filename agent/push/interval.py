"""The interval of snapshots that the alerts of the central stack need."""

from __future__ import annotations

from agent.config.remote_write import RemoteWriteConfig
from collectors import remedies
from collectors.findings import Finding, Severity

LONGEST_FOR_ALERTS = 30.0
"""Seconds. Rules of `monitoring/` take the rate of a minute, and tell within a minute if a machine still pushes."""


def warning(config: RemoteWriteConfig) -> str:
    """Return a warning of one line; empty if nothing is pushed or the interval is short enough."""
    if not config.url or config.interval <= LONGEST_FOR_ALERTS:
        return ""
    return (
        f"expected remote_write.interval to be at most {LONGEST_FOR_ALERTS:g}s for the alerts of monitoring/, "
        f"got {config.interval:g}s"
    )


def check(config: RemoteWriteConfig) -> list[Finding]:
    """Return a finding if the interval is too long for the alerts."""
    text = warning(config)
    if not text:
        return []
    return [
        Finding(
            code="remote-write-interval-long",
            title="Metrics are sent too rarely for the alerts",
            severity=Severity.WARNING,
            detail=f"{text[0].upper()}{text[1:]}.",
            affects="At the centre, rates of a minute have no value, and alerts on this machine are missing or wrong.",
            remedy=(remedies.in_section("[remote_write]", f'set interval = "{LONGEST_FOR_ALERTS:g}s" or less'),),
        )
    ]
