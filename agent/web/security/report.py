"""What the agent says of its own security: findings, and metrics to be warned by."""

from __future__ import annotations

import stat
import time
from collections.abc import Callable, Iterable, Sequence

from agent.config.address import Address
from agent.web.security.tls import Tls
from agent.web.security.web_security import Secured, WebSecurity
from collectors.findings import Check, Finding, Severity
from collectors.metrics import Family, counter, gauge

SOON = 14 * 86400.0
"""Seconds before a certificate's end from which on it is a finding."""


class SecurityReport:
    """Findings and families of the web's security.

    Args:
        security: What holds now.
        listen: The address that the configuration gives now.
    """

    def __init__(self, security: WebSecurity, listen: Callable[[], Address]) -> None:
        self._security = security
        self._listen = listen

    def families(self) -> Iterable[Family]:
        """What was turned away, and when certificates end."""
        tls = self._security.current.tls
        ends = tls.expiries if tls else {}
        return (
            counter(
                "wr_agent_web_login_failures_total",
                "How many wrong passwords the agent's port was given.",
                self._security.failed_logins,
            ),
            counter(
                "wr_agent_web_connections_ended_total",
                "How many connections the agent itself ended or refused, by reason.",
                {(reason,): count for reason, count in list(self._security.ended.items())},
                ("reason",),
            ),
            gauge(
                "wr_agent_web_certificate_expiry_timestamp_seconds",
                "When the certificate that the agent shows, or the authority of its clients, ends to be valid.",
                {(which,): end for which, end in ends.items()},
                ("certificate",),
            ),
        )

    def checks(self) -> Sequence[Check]:
        """Whether only those who may can reach the agent, and whether that can go on."""
        return (
            Check("agent.web", "Only those who may can read the agent", self._check_access),
            Check("agent.web_files", "The web configuration and its certificates are good", self._check_files),
        )

    def _check_access(self) -> Sequence[Finding]:
        return [*check_access(self._listen(), self._security.current)]

    def _check_files(self) -> Sequence[Finding]:
        tls = self._security.current.tls
        found = [] if tls is None else [*_check_expiry(tls, time.time()), *_check_key(tls)]
        if self._security.problem:
            found.append(_refused(str(self._security.problem)))
        return found


def check_access(listen: Address, secured: Secured) -> Iterable[Finding]:
    """AgentHealth findings while others than this machine can read what they should not."""
    if listen.is_loopback:
        return
    where = f"web.listen is {str(listen)!r}, which is beyond loopback"
    if not secured.knows_callers:
        yield Finding(
            code="agent-web-open",
            title="Anyone who reaches this machine can read the agent",
            severity=Severity.WARNING,
            detail=f"{where}, with neither passwords nor certificates that callers must have.",
            affects="Metrics and findings name devices, mounts and interfaces of this machine.",
            remedy=(
                "Name a file with basic_auth_users or client_auth_type in web.config_file (docs/security.md),",
                'or set web.listen = "127.0.0.1:9787".',
            ),
        )
    elif secured.tls is None:
        yield Finding(
            code="agent-web-cleartext",
            title="Passwords reach the agent in clear text",
            severity=Severity.WARNING,
            detail=f"{where}, and the web configuration has passwords but no TLS.",
            affects="Whoever sees the network's traffic can read the password, and then the agent.",
            remedy=("Add tls_server_config to the file in web.config_file (docs/security.md).",),
        )


def _refused(problem: str) -> Finding:
    return Finding(
        code="agent-web-config-refused",
        title="The web configuration cannot be used",
        severity=Severity.FAILURE,
        detail=f"The file, or a certificate that it names, has changed and is refused: {problem}",
        affects="What held before goes on to hold; the agent does not start again with this.",
        remedy=("wr-agent check-config", "The files are read again as soon as they change."),
    )


def _check_expiry(tls: Tls, now: float) -> Iterable[Finding]:
    for which, end in tls.expiries.items():
        if end - now >= SOON:
            continue
        day = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(end))
        over = end <= now
        yield Finding(
            code=f"agent-web-certificate-{'expired' if over else 'expires'}",
            title=f"A certificate of the agent's port {'has ended' if over else 'ends soon'}",
            severity=Severity.FAILURE if over else Severity.WARNING,
            detail=f"{_FILES[which]} is valid until {day}; at least {SOON / 86400:.0f} days from now are expected.",
            affects="From then on nobody can scrape the agent.",
            remedy=(f"Put a new certificate into the place of {_FILES[which]}; it is read at once.",),
        )


_FILES = {"server": "cert_file", "client_ca": "client_ca_file"}


def _check_key(tls: Tls) -> Iterable[Finding]:
    try:
        mode = tls.key_file.stat().st_mode
    except OSError:
        return  # it is refused as soon as the files are read again
    if mode & (stat.S_IROTH | stat.S_IWOTH):
        yield Finding(
            code="agent-web-key-readable",
            title="Everyone on this machine can read the agent's private key",
            severity=Severity.WARNING,
            detail=f"The mode of {tls.key_file} is {stat.filemode(mode)}; others should have no access.",
            affects="Whoever has the key can pass for this agent.",
            remedy=(f"chmod o= {tls.key_file}",),
        )
