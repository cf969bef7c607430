"""The client of a container engine's HTTP API on its Unix socket, which lists the running containers.

It uses the part of Docker's API that Podman shares: `GET /containers/json`. A connection starts Podman's service, so
the agent connects only for new containers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from collectors.plain_errors import plain_text
from collectors.unix_http import ResponseError, get_once

_TIMEOUT = 5.0
_MAX_BYTES = 8 << 20


class _Listed(msgspec.Struct, rename="pascal"):
    """One container of the list."""

    id: str
    names: list[str] | None = None
    image: str = ""
    labels: dict[str, str] | None = None


_DECODER = msgspec.json.Decoder(list[_Listed])


@dataclass(frozen=True, slots=True)
class Description:
    """An engine's description of a container."""

    name: str
    image: str
    labels: Mapping[str, str]


class EngineError(Exception):
    """An engine without a list of its containers; `str()` of it is the reason."""


async def containers(socket: str) -> dict[str, Description]:
    """Return the running containers of the engine that listens on `socket`, by identifier.

    Raises:
        PermissionError: This user may not open the socket.
        EngineError: The engine returns no list of containers in time.
    """
    return {listed.id: _description(listed) for listed in _decoded(await _answer(socket))}


async def _answer(socket: str) -> bytes:
    try:
        async with asyncio.timeout(_TIMEOUT):
            return await get_once(socket, "/containers/json", _MAX_BYTES, "engine")
    except TimeoutError as error:
        raise EngineError(f"no answer within {_TIMEOUT:g} s") from error
    except PermissionError:
        raise
    except (ResponseError, OSError) as error:
        raise EngineError(f"{socket}: {plain_text(error)}") from error


def _decoded(body: bytes) -> list[_Listed]:
    try:
        return _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise EngineError(f"expected Docker's list of containers: {error}") from error


def _description(listed: _Listed) -> Description:
    # A container that others link to has more names, each below the other container's name.
    own = [name.removeprefix("/") for name in listed.names or () if name.count("/") <= 1]
    return Description(own[0] if own else listed.id, listed.image, listed.labels or {})
