"""One request to a receiver, for the checks of doctor."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import msgspec

from collectors.http_push.answer import Answer
from collectors.http_push.config import ReceiverConfig
from collectors.http_push.poster import Poster
from collectors.units import Duration

_PATIENCE = 10.0
_MOST_BYTES = 1 << 20


def ask(config: ReceiverConfig, url: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
    """Return the answer to a request with the client of the agent: its credentials, proxy and certificates.

    Blocks on the network. Call it in a thread without an event loop.

    Args:
        config: The receiver.
        url: The address.
        body: The body to post; `None` to get the page.
        headers: Further headers.
    """
    hasty = msgspec.structs.replace(config, timeout=Duration(min(config.timeout, _PATIENCE)))
    return asyncio.run(_ask(Poster(hasty, url, headers), body))


async def _ask(poster: Poster, body: bytes | None) -> Answer:
    async with poster:
        return await (poster.get(_MOST_BYTES) if body is None else poster.post(body))
