"""The guard, which admits a request or answers it with a refusal."""

from __future__ import annotations

import base64
import ipaddress
import math
from collections.abc import Callable, Collection, Iterable, Mapping

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from agent.web.security.hosts import is_allowed
from agent.web.security.passwords import BusyError, Passwords
from agent.web.security.web_file import RateLimit
from agent.web.security.web_security import WebSecurity
from collectors.throttle import Throttle

LOGIN_BURST = 10
"""The burst of wrong passwords allowed for each network."""

LOGIN_INTERVAL = 10.0
"""Seconds until one more is allowed."""

_LONGEST_NAME_SHOWN = 255
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
    """The guard of requests under the current security rules.

    Args:
        security: The current rules.
        hosts: Returns the configured host names of this agent.
    """

    def __init__(self, security: WebSecurity, hosts: Callable[[], Collection[str]]) -> None:
        self._security = security
        self._hosts = hosts
        self._passwords = Passwords()
        self._logins = Throttle(LOGIN_BURST, LOGIN_INTERVAL)
        self._limit = RateLimit()
        self._requests = Throttle(1, 0)

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Call `handler` if the caller is allowed, else answer 401, 403, 421, 429 or 503."""
        refusal = (
            self._foreign_host(request)
            or self._too_many()
            or self._stranger(request)
            or await self._wrong_password(request)
        )
        return refusal or await handler(request)

    async def add_headers(self, _request: web.Request, response: web.StreamResponse) -> None:
        """Add the headers of every response; for aiohttp's `on_response_prepare`."""
        response.headers["Server"] = "wr-agent"  # hides the versions in aiohttp's own header
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.update(self._security.current.file.http_server_config.headers.given())

    def _foreign_host(self, request: web.Request) -> web.Response | None:
        tls = self._security.current.tls
        names = {*self._hosts(), *(tls.names if tls else ())}
        foreign = [host for host in request.headers.getall("Host", ()) if not is_allowed(host, names)]
        if not foreign:
            return None
        shown = foreign[0][:_LONGEST_NAME_SHOWN]
        return _refusal(
            421,
            f"this agent does not answer to the name {shown!r}; to allow a name, add it to web.hosts in the agent's "
            'configuration, such as hosts = ["studio7.example"], and reload',
        )

    def _too_many(self) -> web.Response | None:
        limit = self._security.current.file.rate_limit
        if limit != self._limit:
            self._limit, self._requests = limit, Throttle(limit.burst, limit.interval)
        if not limit.interval:
            return None
        wait = self._requests.wait(_EVERYONE)
        if wait:
            return _later(429, "too many requests for rate_limit", wait)
        self._requests.take(_EVERYONE)
        return None

    def _stranger(self, request: web.Request) -> web.Response | None:
        tls = self._security.current.tls
        if tls is None or not tls.config.client_allowed_sans:
            return None
        names = subject_names(request.get_extra_info("peercert") or {})
        if not set(names).isdisjoint(tls.config.client_allowed_sans):
            return None
        return _refusal(403, "the certificate has none of the names in client_allowed_sans")

    async def _wrong_password(self, request: web.Request) -> web.Response | None:
        users = self._security.current.file.basic_auth_users
        if not users:
            return None
        given = _credentials(request)
        if given is None:
            return _challenge("a user name and a password are required")
        return await self._checked(users, *given, network(request.remote or ""))

    async def _checked(self, users: Mapping[str, str], user: str, password: str, caller: str) -> web.Response | None:
        wait = self._logins.wait(caller)
        if wait:  # even with the right password: an attacker must not learn that a guess is right
            return _later(429, "too many wrong passwords from this address", wait)
        if self._passwords.remembers(users, user, password):
            return None
        self._logins.take(caller)  # before the check, so that concurrent guesses count separately
        try:
            right = await self._passwords.verify(users, user, password)
        except BusyError:
            self._logins.give_back(caller)
            return _later(503, "too many passwords wait for verification", 1)
        if right:
            self._logins.give_back(caller)
            return None
        self._security.failed_logins += 1
        log.warning("login failed", caller=caller)
        return _challenge("the user name or the password is wrong")


def network(address: str) -> str:
    """Return the network by which a caller is counted: an IPv4 address, or the /64 of an IPv6 address."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped:  # an IPv4 caller on a dual-stack socket
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, _IPV6_NETWORK), strict=False))


def subject_names(certificate: Mapping[str, object]) -> list[str]:
    """Return the alternative names of a certificate in `ssl`'s form: DNS names, addresses, e-mails and URIs."""
    pairs = certificate.get("subjectAltName", ())
    assert isinstance(pairs, Iterable)  # noqa: S101 - the form of ssl
    return [value for _, value in pairs]


def _credentials(request: web.Request) -> tuple[str, str] | None:
    """Return the user and the password of an `Authorization` header (RFC 7617); `None` if absent or malformed."""
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
