"""Availability of the agent's port."""

from __future__ import annotations

import socket
from collections.abc import Iterator

from agent.web.port_holder import holder
from collectors import remedies
from collectors.address import Address
from collectors.findings import Finding, Severity

_PATIENCE = 1.0


def check(listen: Address) -> Iterator[Finding]:
    """Yield a finding if another process answers on the address. For use while no agent runs."""
    local = listen.local
    if local.port <= 0 or not _answers(local):
        return
    yield Finding(
        code="agent-port-taken",
        title=f"Port {listen.port} is taken",
        severity=Severity.FAILURE,
        detail=f"web.listen is {str(listen)!r}, where {holder(listen.port)} answers already.",
        affects="The agent does not start.",
        remedy=(
            *remedies.command(f"sudo ss -ltnp 'sport = :{listen.port}'", "shows the process"),
            remedies.in_section("[web]", "stop that, or set listen to another port"),
        ),
    )


def _answers(address: Address) -> bool:
    try:
        with socket.create_connection((address.host, address.port), _PATIENCE):
            return True
    except OSError:
        return False
