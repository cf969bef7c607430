"""The findings and metrics of the web server's security."""

from __future__ import annotations

import stat
import time
from collections.abc import Callable, Iterable, Sequence

from agent.web.security.tls import Tls
from agent.web.security.web_security import Secured, WebSecurity
from collectors import remedies
from collectors.address import Address
from collectors.findings import Check, Finding, Severity
from collectors.metrics import Family, counter, gauge

SOON = 14 * 86400.0
"""Seconds before a certificate's expiry at which it becomes a finding."""


class SecurityReport:
    """The findings and families of the web server's security.

    Args:
        security: The current rules.
        listen: Returns the configured address.
    """

    def __init__(self, security: WebSecurity, listen: Callable[[], Address]) -> None:
        self._security = security
        self._listen = listen

    def families(self) -> Iterable[Family]:
        """Return the counts of refusals and the expiry of certificates."""
        tls = self._security.current.tls
        ends = tls.expiries if tls else {}
        return (
            counter(
                "wr_agent_web_login_failures_total",
                "Wrong passwords in requests to the agent's port.",
                self._security.failed_logins,
            ),
            counter(
                "wr_agent_web_connections_ended_total",
                "Connections that the agent closed or refused, by reason.",
                {(reason,): count for reason, count in list(self._security.ended.items())},
                ("reason",),
            ),
            gauge(
                "wr_agent_web_certificate_expiry_timestamp_seconds",
                "Expiry of the server certificate or of its clients' authority, as Unix time.",
                {(which,): end for which, end in ends.items()},
                ("certificate",),
            ),
        )

    def checks(self) -> Sequence[Check]:
        """Return the checks of access and of the web configuration."""
        return (
            Check("agent.web", "Only authorized callers can read the agent", self._check_access),
            Check("agent.web_files", "The web configuration and its certificates are valid", self._check_files),
        )

    def _check_access(self) -> Sequence[Finding]:
        return [*check_access(self._listen(), self._security.current)]

    def _check_files(self) -> Sequence[Finding]:
        return list(check_files(self._security, time.time()))


def check_access(listen: Address, secured: Secured) -> Iterable[Finding]:
    """Yield a finding if unauthorized callers beyond this machine can read the agent."""
    if listen.is_loopback:
        return
    where = f"web.listen is {str(listen)!r}, which is beyond loopback"
    if not secured.knows_callers:
        yield Finding(
            code="agent-web-open",
            title="The agent answers callers from the network without authentication",
            severity=Severity.WARNING,
            detail=f"{where}, and callers need neither a password nor a certificate.",
            affects="Metrics and findings name devices, mounts and interfaces of this machine.",
            remedy=(
                remedies.in_section("[web]", "name a file with basic_auth_users or client_auth_type in config_file"),
                remedies.in_section("[web]", 'or set listen = "127.0.0.1:9787"'),
            ),
        )
    elif secured.tls is None:
        yield Finding(
            code="agent-web-cleartext",
            title="Passwords travel to the agent in clear text",
            severity=Severity.WARNING,
            detail=f"{where}, and the web configuration has passwords but no TLS.",
            affects="An eavesdropper on the network learns the password and can then read the agent.",
            remedy=("add tls_server_config to the file that web.config_file names; docs/security.md shows how",),
        )


def check_files(security: WebSecurity, now: float, port: str = "port", request: str = "scrape of") -> Iterable[Finding]:
    """Yield the findings about a web configuration file and its certificates.

    Args:
        security: The rules of the file.
        now: The current Unix time.
        port: The name of the agent's port that they protect.
        request: The name of a request to that port, with its preposition.
    """
    if tls := security.current.tls:
        yield from _check_expiry(tls, now, port, request)
        yield from _check_key(tls)
    if security.problem:
        yield _refused(str(security.problem))


def _refused(problem: str) -> Finding:
    return Finding(
        code="agent-web-config-refused",
        title="The web configuration is unusable",
        severity=Severity.FAILURE,
        detail=f"The changed file, or a certificate that it names, is refused: {problem}",
        affects="The previous rules stay in effect; a restart of the agent would fail.",
        remedy=("wr-agent check-config", "The agent reads the files again when they change."),
    )


def _check_expiry(tls: Tls, now: float, port: str, request: str) -> Iterable[Finding]:
    for which, end in tls.expiries.items():
        if end - now >= SOON:
            continue
        day = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(end))
        over = end <= now
        yield Finding(
            code="agent-web-certificate-expired" if over else "agent-web-certificate-expires",
            title=f"A certificate of the agent's {port} {'has expired' if over else 'expires soon'}",
            severity=Severity.FAILURE if over else Severity.WARNING,
            detail=f"{_FILES[which]} is valid until {day}; expected at least {SOON / 86400:.0f} more days.",
            affects=f"After the expiry, every {request} the agent fails.",
            remedy=(f"Replace {_FILES[which]} with a new certificate; the agent reads it within seconds.",),
        )


_FILES = {"server": "cert_file", "client_ca": "client_ca_file"}


def _check_key(tls: Tls) -> Iterable[Finding]:
    try:
        mode = tls.key_file.stat().st_mode
    except OSError:
        return  # the next reading refuses it
    if mode & (stat.S_IROTH | stat.S_IWOTH):
        yield Finding(
            code="agent-web-key-readable",
            title="All users of this machine can access the agent's private key",
            severity=Severity.WARNING,
            detail=f"The mode of {tls.key_file} is {stat.filemode(mode)}; expected no access for others.",
            affects="With the key, a user can impersonate this agent.",
            remedy=(f"chmod o= {tls.key_file}",),
        )
