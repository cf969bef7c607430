"""One request to a receiver, for the checks of doctor."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Mapping

from collectors.http_push.access import Access, AccessError, load
from collectors.http_push.answer import NO_ANSWER, NOT_SENT, Answer
from collectors.http_push.config import ReceiverConfig

_PATIENCE = 10.0
_MOST_BYTES = 1 << 20


def ask(config: ReceiverConfig, url: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
    """Return the answer to a request with the access of a receiver. Blocks on the network."""
    try:
        access = load(config)
    except AccessError as error:
        return Answer(NOT_SENT, str(error))
    request = urllib.request.Request(url, body, {**access.headers, **headers})  # noqa: S310 - ReceiverUrl takes http and https alone
    try:
        with _opener(access).open(request, timeout=min(config.timeout, _PATIENCE)) as response:
            return Answer(response.status, response.read(_MOST_BYTES).decode(errors="replace"))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.read(_MOST_BYTES).decode(errors="replace").strip())
    except OSError as error:
        return Answer(NO_ANSWER, str(getattr(error, "reason", error)))


def _opener(access: Access) -> urllib.request.OpenerDirector:
    """Without a proxy, as the agent itself connects."""
    context = access.tls if not isinstance(access.tls, bool) else None
    return urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
