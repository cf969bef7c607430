"""Clock synchronization, which the times of log lines and dropouts depend on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from collectors import remedies
from collectors.findings import Finding, Severity
from collectors.host.timex import Timex

_TIMESYNCD = "run/systemd/timesync/synchronized"  # systemd-timesyncd.service(8)


def kept(root: Path) -> bool | None:
    """Return True if the kernel or systemd reports a synchronized clock; `None` if neither answers."""
    try:
        families = Timex().families()
    except OSError:  # denied in containers and under ProtectClock=
        return (root / _TIMESYNCD).exists() or None
    (status,) = [family for family in families if family.name == "node_timex_sync_status"]
    return status.samples[()] == 1


def _time_service() -> tuple[str, ...]:
    on = "sudo timedatectl set-ntp true"
    return tuple(f"{line} && {on}" for line in remedies.install("time-service"))


def check(synchronized: bool | None) -> Iterator[Finding]:  # noqa: FBT001 - the only argument
    """Yield a finding if the clock is not synchronized."""
    if synchronized is False:
        yield Finding(
            code="clock-not-synchronized",
            title="The clock is not synchronized",
            severity=Severity.WARNING,
            detail="Expected a clock synchronized by a time server, found that the kernel reports none.",
            affects="Times of dropouts and log lines differ between machines. Loki refuses lines 10 minutes ahead.",
            remedy=(
                *remedies.command("timedatectl", "expect: System clock synchronized: yes"),
                *_time_service(),
            ),
        )
