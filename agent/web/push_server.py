"""The HTTP server for pages that apps on other machines push."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import structlog
from aiohttp import web

from agent.web.connections import Connections, Limits
from agent.web.http_server import HttpServer
from agent.web.listener import ListenError, bound_address, open_socket
from agent.web.push_pages import PushPages
from agent.web.security.guard import subject_names
from agent.web.security.report import check_files
from agent.web.security.tls import Tls
from agent.web.security.web_security import WebSecurity
from agent.web.server import caller_of
from collectors.address import Address
from collectors.findings import Check, Finding, Severity
from collectors.metrics import Family, counter
from collectors.plugins.push.config import PushConfig
from collectors.plugins.push.receiver import Receiver

_LIMITS = Limits(total=512, of_one=256, request=15.0, answer=15.0, idle=60.0)
_RETRY = 5.0
"""Seconds before the next attempt to open the port."""

log = structlog.get_logger()


class PushServer:
    """The server for pushes.

    Args:
        config: The section `[plugins.push]`.
        limits: The limits of connections.
    """

    def __init__(self, config: PushConfig, limits: Limits = _LIMITS) -> None:
        self._config = config
        self._limits = limits
        self._security = WebSecurity(Path(config.config_file).expanduser() if config.config_file else None)
        self._ended: Counter[str] = Counter()
        self._problem = ""
        self._tls: Tls | None = None
        self.address: Address | None = None
        """The address with the actual port; None while the server does not listen."""

    def prepare(self) -> None:
        """Read the web configuration file and its certificates. Blocks on the disk.

        Raises:
            ValueError: A file is unusable, or has a section that has no effect on pushes.
        """
        path = Path(self._config.config_file).expanduser() if self._config.config_file else None
        security = WebSecurity.of(path)
        if security.problem:
            raise ValueError(str(security.problem))
        if problem := _problem(self._config, security):
            raise ValueError(f"push.config_file: {problem} in {path}")
        self._security = security

    async def serve(self, receiver: Receiver) -> None:
        """Serve until cancelled."""
        pages = PushPages(self._config, receiver, self._is_allowed)
        connections = Connections(self._limits, self._ended, pages.wanted_body)
        server = HttpServer(pages.application(), caller_of, self._context, connections)
        try:
            await self._listen(server)
            await self._security.watch(connections.retire)
        finally:
            self.address = None
            await server.stop()

    def families(self) -> Iterable[Family]:
        """Return the connections that the server closed or refused."""
        return (
            counter(
                "wr_agent_plugin_push_connections_ended_total",
                "Connections for pushes that the agent closed or refused, by reason.",
                {(reason,): count for reason, count in list(self._ended.items())},
                ("reason",),
            ),
        )

    def checks(self) -> Sequence[Check]:
        """Return the checks of the port and of its certificates."""
        return (
            Check("plugins.push_port", "The agent listens for pushes", self._check_port),
            Check("plugins.push_files", "The certificates of the port for pushes are valid", self._check_files),
        )

    async def _listen(self, server: HttpServer) -> None:
        listening = self._open()
        while listening is None:
            await asyncio.sleep(_RETRY)
            listening = self._open()
        await server.listen(listening)
        self.address = bound_address(listening, self._config.listen)
        scheme = "https" if self._context() else "http"
        log.info("receiving pushes", url=f"{scheme}://{self.address.local}/metrics")

    def _open(self) -> socket.socket | None:
        """Return the listening socket; None if it cannot be opened."""
        before, self._problem = self._problem, ""
        try:
            return open_socket(self._config.listen, "plugins.push.listen")
        except ListenError as error:
            self._problem = str(error)
        if self._problem != before:
            log.error("cannot listen for pushes; the agent retries", problem=self._problem)
        return None

    def _context(self) -> ssl.SSLContext | None:
        """Return the TLS context; the last one if the changed file has none, since tokens must stay secret."""
        self._tls = self._security.current.tls or self._tls
        return self._tls.context if self._tls else None

    def _is_allowed(self, request: web.Request) -> bool:
        tls = self._security.current.tls
        allowed = tls.config.client_allowed_sans if tls else []
        names = subject_names(request.get_extra_info("peercert") or {}) if allowed else []
        return not allowed or not set(names).isdisjoint(allowed)

    def _check_port(self) -> Sequence[Finding]:
        if not self._problem:
            return ()
        return (
            Finding(
                code="plugins-push-closed",
                title="The agent cannot listen for pushes",
                severity=Severity.FAILURE,
                detail=f"plugins.push.listen: {self._problem}",
                affects="Apps that push are not measured; they retry. The agent tries again each five seconds.",
                remedy=("wr-agent check-config", "set plugins.push.listen to a free address, and reload"),
            ),
        )

    def _check_files(self) -> Sequence[Finding]:
        found = list(check_files(self._security, time.time(), "port for pushes", "push to"))
        if problem := _problem(self._config, self._security):
            found.append(_refused(problem))
        return found


def _refused(problem: str) -> Finding:
    return Finding(
        code="plugins-push-config-refused",
        title="The web configuration for pushes is unusable",
        severity=Severity.FAILURE,
        detail=f"plugins.push.config_file: {problem}.",
        affects="The previous certificate stays in use; a restart of the agent would fail.",
        remedy=("wr-agent check-config", "The agent reads the file again when it changes."),
    )


def _problem(config: PushConfig, security: WebSecurity) -> str:
    """Return why the rules of a file cannot be those of pushes; empty if they can."""
    file = security.current.file
    if file.basic_auth_users:
        return "basic_auth_users has no effect on pushes, which need a token; remove it"
    if file.rate_limit.interval:
        return "rate_limit has no effect on pushes; set plugins.push.interval"
    if security.current.tls is None and not config.listen.is_loopback:
        return "expected tls_server_config, since tokens must not travel in clear text; found none"
    return ""
