"""Whether the machine's clock is kept by a server, on which the time of every log line and dropout depends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from collectors.findings import Finding, Severity
from collectors.host.timex import Timex

_TIMESYNCD = "run/systemd/timesync/synchronized"  # systemd-timesyncd.service(8)


def kept(root: Path) -> bool | None:
    """Whether the kernel, or else systemd, holds the clock for synchronized; `None` if neither can be asked."""
    try:
        families = Timex().families()
    except OSError:  # the kernel does not answer everyone, as in containers and under ProtectClock=
        return (root / _TIMESYNCD).exists() or None
    (status,) = [family for family in families if family.name == "node_timex_sync_status"]
    return status.samples[()] == 1


def check(synchronized: bool | None) -> Iterator[Finding]:  # noqa: FBT001 - the one thing there is to say
    """A finding if the clock is left to itself."""
    if synchronized is False:
        yield Finding(
            code="clock-not-synchronized",
            title="The clock is not synchronized",
            severity=Severity.WARNING,
            detail="Expected a time server that keeps the clock; the kernel says that there is none.",
            affects="Dropouts and log lines of several machines do not fit together; Loki refuses lines that are"
            " ten minutes ahead.",
            remedy=(
                "timedatectl  # System clock synchronized: yes?",
                "sudo apt install systemd-timesyncd && sudo timedatectl set-ntp true",
            ),
        )
