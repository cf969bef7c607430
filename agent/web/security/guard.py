"""Lets a request through, or answers it with why not."""

from __future__ import annotations

import base64
import ipaddress
import math
from collections.abc import Iterable, Mapping

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from agent.web.security.passwords import BusyError, Passwords
from agent.web.security.throttle import Throttle
from agent.web.security.web_file import RateLimit
from agent.web.security.web_security import WebSecurity

LOGIN_BURST = 10
"""Wrong passwords that a network may send at once."""

LOGIN_INTERVAL = 10.0
"""Seconds after which it may send one more."""

_EVERYONE = ""
_IPV6_NETWORK = 64

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "deny",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}

log = structlog.get_logger()


class Guard:
    """Asks who calls, as the security that holds at that moment wants it.

    Args:
        security: What holds now.
    """

    def __init__(self, security: WebSecurity) -> None:
        self._security = security
        self._passwords = Passwords()
        self._logins = Throttle(LOGIN_BURST, LOGIN_INTERVAL)
        self._limit = RateLimit()
        self._requests = Throttle(1, 0)

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer by `handler` if the caller may, else with 401, 403, 429 or 503."""
        refusal = self._too_many() or self._stranger(request) or await self._wrong_password(request)
        return refusal or await handler(request)

    async def add_headers(self, _request: web.Request, response: web.StreamResponse) -> None:
        """Add what browsers are told with every answer; for aiohttp's `on_response_prepare`."""
        response.headers["Server"] = "wr-agent"  # instead of the versions that aiohttp tells
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.update(self._security.current.file.http_server_config.headers.given())

    def _too_many(self) -> web.Response | None:
        limit = self._security.current.file.rate_limit
        if limit != self._limit:
            self._limit, self._requests = limit, Throttle(limit.burst, limit.interval)
        if not limit.interval:
            return None
        wait = self._requests.wait(_EVERYONE)
        if wait:
            return _later(429, "more requests than rate_limit allows", wait)
        self._requests.take(_EVERYONE)
        return None

    def _stranger(self, request: web.Request) -> web.Response | None:
        tls = self._security.current.tls
        if tls is None or not tls.config.client_allowed_sans:
            return None
        names = subject_names(request.get_extra_info("peercert") or {})
        if not set(names).isdisjoint(tls.config.client_allowed_sans):
            return None
        return _refusal(403, "the certificate carries none of the names in client_allowed_sans")

    async def _wrong_password(self, request: web.Request) -> web.Response | None:
        users = self._security.current.file.basic_auth_users
        if not users:
            return None
        given = _credentials(request)
        if given is None:
            return _challenge("a user name and a password are needed")
        return await self._checked(users, *given, network(request.remote or ""))

    async def _checked(self, users: Mapping[str, str], user: str, password: str, caller: str) -> web.Response | None:
        wait = self._logins.wait(caller)
        if wait:  # also with the right password, or else guessing would go on behind the refusals
            return _later(429, "too many wrong passwords came from this address", wait)
        if self._passwords.remembers(users, user, password):
            return None
        self._logins.take(caller)  # before the look: guesses that come at once must not be one guess
        try:
            right = await self._passwords.verify(users, user, password)
        except BusyError:
            self._logins.give_back(caller)
            return _later(503, "too many passwords wait to be looked at", 1)
        if right:
            self._logins.give_back(caller)
            return None
        self._security.failed_logins += 1
        log.warning("a login failed", caller=caller)
        return _challenge("the user name or the password is wrong")


def network(address: str) -> str:
    """The network that a caller is counted by: an IPv4 address, or the 64 bits of an IPv6 one that a host is given."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped:  # how a socket for both versions shows an IPv4 caller
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, _IPV6_NETWORK), strict=False))


def subject_names(certificate: Mapping[str, object]) -> list[str]:
    """The alternative names of a certificate as `ssl` shows it: DNS names, addresses, e-mail addresses and URIs."""
    pairs = certificate.get("subjectAltName", ())
    assert isinstance(pairs, Iterable)  # noqa: S101 - ssl's own form
    return [value for _, value in pairs]


def _credentials(request: web.Request) -> tuple[str, str] | None:
    """The user and the password of an `Authorization` header (RFC 7617), if there is a sound one."""
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except ValueError:
        return None
    return (user, password) if colon else None


def _refusal(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=f"{text}\n")


def _challenge(text: str) -> web.Response:
    answer = _refusal(401, text)
    answer.headers["WWW-Authenticate"] = 'Basic realm="wr-agent", charset="UTF-8"'
    return answer


def _later(status: int, text: str, seconds: float) -> web.Response:
    answer = _refusal(status, text)
    answer.headers["Retry-After"] = str(math.ceil(seconds))
    return answer
