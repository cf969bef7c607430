"""The request handlers of the port for pushes: `POST /metrics` adds a page, `DELETE /metrics` ends a process."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from aiohttp import web

from agent.web.security.guard import network
from collectors.plugins.push.config import PushConfig
from collectors.plugins.push.pushed import Push
from collectors.plugins.push.receiver import Receiver, UnknownProcessError
from collectors.plugins.refusals import Reason, RefusedError

_BEARER = re.compile(rb"\r\nauthorization[ \t]*:[ \t]*bearer[ \t]+([\x21-\x7e]+)[ \t]*\r\n", re.IGNORECASE)
_PROCESS = re.compile(r"[0-9a-f]{32}")
_NUMBER = re.compile(r"\d{1,15}")
_MARKED = re.compile(r"^bearer +", re.IGNORECASE)
_OPENMETRICS = {"text/plain": False, "application/openmetrics-text": True}
_STATUS = {Reason.RATE_LIMIT: 429, Reason.TOO_MANY_APPS: 503, Reason.TOO_LARGE: 413, Reason.CONTENT_TYPE: 415}
_MOST_DETAILS, _DETAIL_LENGTH = 10, 300  # of refused parts, for the developer of the app
_HEADERS = {"Server": "wr-agent", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}


class PushPages:
    """The request handlers.

    Args:
        config: The section `[plugins.push]`.
        receiver: The receiver of the pages.
        allowed: Returns False for a caller whose certificate has none of the allowed names.
    """

    def __init__(self, config: PushConfig, receiver: Receiver, allowed: Callable[[web.Request], bool]) -> None:
        self._config = config
        self._receiver = receiver
        self._allowed = allowed

    def application(self) -> web.Application:
        """Return the application for the port."""
        app = web.Application(client_max_size=self._config.max_size + 1)
        app.add_routes([web.post("/metrics", self._post), web.delete("/metrics", self._delete)])
        app.on_response_prepare.append(_add_headers)
        return app

    def wanted_body(self, head: bytes) -> int:
        """Return the limit of a body: that of a page, and 0 if the request has no valid token."""
        found = _BEARER.search(head)
        known = found is not None and self._receiver.tokens.plugin(found[1].decode("ascii")) is not None
        return self._config.max_size if known else 0

    async def _post(self, request: web.Request) -> web.Response:
        plugin = self._plugin(request)
        try:
            refused = await self._receiver.receive(plugin, await self._push(request))
        except UnknownProcessError:
            return _answer(409, "unknown process; push the page White-Room-Known again, and then this one")
        except RefusedError as error:
            return self._refusal(error)
        if not refused:
            return web.Response(status=204)
        details = [refusal.detail[:_DETAIL_LENGTH] for refusal in refused[:_MOST_DETAILS]]
        more = [f"and {len(refused) - _MOST_DETAILS} more"] if len(refused) > _MOST_DETAILS else []
        return _answer(200, "\n".join(["accepted without:", *details, *more]))

    async def _delete(self, request: web.Request) -> web.Response:
        self._receiver.end(self._plugin(request), _process(request))
        return web.Response(status=204)

    def _plugin(self, request: web.Request) -> str:
        if not self._allowed(request):
            raise web.HTTPForbidden(text="the certificate has none of the names in client_allowed_sans\n")
        token = _MARKED.sub("", request.headers.get("Authorization", "")).strip()
        plugin = self._receiver.authorize(token, network(request.remote or ""))
        if plugin is None:
            text = "expected Authorization: Bearer and a token of plugins.push.token_files\n"
            raise web.HTTPUnauthorized(text=text, headers={"WWW-Authenticate": 'Bearer realm="wr-agent"'})
        return plugin

    async def _push(self, request: web.Request) -> Push:
        content_type = request.content_type.lower()
        if content_type not in _OPENMETRICS:
            detail = f"expected {' or '.join(_OPENMETRICS)}, got {content_type[:80]!r}"
            raise RefusedError(Reason.CONTENT_TYPE, detail)
        body = await request.read()
        if not body:
            limit = self._config.max_size
            detail = f"expected a Content-Length of 1 to {limit} bytes (plugins.push.max_size) and no encoding"
            raise RefusedError(Reason.TOO_LARGE, detail)
        page, known = _number(request, "White-Room-Page"), _number(request, "White-Room-Known")
        if not 0 < page >= known:
            raise _bad("expected White-Room-Page above zero and at least White-Room-Known")
        origin = network(request.remote or "")
        return Push(_process(request), page, known, body, _OPENMETRICS[content_type], origin)

    def _refusal(self, error: RefusedError) -> web.Response:
        answer = _answer(_STATUS.get(error.reason, 400), error.detail)
        if answer.status in (429, 503):
            answer.headers["Retry-After"] = str(math.ceil(self._config.interval))
        return answer


def _process(request: web.Request) -> str:
    process = request.headers.get("White-Room-Process", "")
    if not _PROCESS.fullmatch(process):
        raise _bad("expected White-Room-Process: 32 random hexadecimal digits, the same for the life of the process")
    return process


def _number(request: web.Request, name: str) -> int:
    text = request.headers.get(name, "")
    if not _NUMBER.fullmatch(text):
        raise _bad(f"expected a whole number as {name}, got {text[:40]!r}")
    return int(text)


def _bad(text: str) -> web.HTTPBadRequest:
    return web.HTTPBadRequest(text=f"{text}\n")


def _answer(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=f"{text}\n")


async def _add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_HEADERS)
