"""Asks a container engine what its containers are called, over the Unix socket that it listens on.

Speaks the part of Docker's HTTP API that Podman answers too: `GET /containers/json`, the running containers. A
connection starts Podman's service, so that it is asked only when there is something to ask.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
import msgspec

_TIMEOUT = 5.0
_MAX_BYTES = 8 << 20
_OK = 200


class _Listed(msgspec.Struct, rename="pascal"):
    """One container of the list, with what is read of it."""

    id: str
    names: list[str] | None = None
    image: str = ""
    labels: dict[str, str] | None = None


_DECODER = msgspec.json.Decoder(list[_Listed])


@dataclass(frozen=True, slots=True)
class Description:
    """What an engine says of a container."""

    name: str
    image: str
    labels: Mapping[str, str]


class EngineError(Exception):
    """The engine did not say what its containers are called; `str()` of it says why."""


async def containers(socket: str) -> dict[str, Description]:
    """The running containers of the engine that listens on `socket`, by their identifiers.

    Raises:
        PermissionError: The socket may not be opened by this user.
        EngineError: There is no answer in time, or one that is no list of containers.
    """
    return {listed.id: _description(listed) for listed in _decoded(await _answer(socket))}


async def _answer(socket: str) -> bytes:
    try:
        async with (
            aiohttp.ClientSession(
                connector=aiohttp.UnixConnector(socket), timeout=aiohttp.ClientTimeout(total=_TIMEOUT)
            ) as session,
            session.get("http://engine/containers/json", allow_redirects=False) as response,
        ):
            if response.status != _OK:
                raise EngineError(f"expected status {_OK}, got {response.status}")
            return await _body(response)
    except TimeoutError as error:
        raise EngineError(f"no answer within {_TIMEOUT:g} s") from error
    except aiohttp.ClientConnectorError as error:
        if isinstance(error.os_error, PermissionError):
            raise error.os_error from error
        raise EngineError(str(error)) from error
    except aiohttp.ClientError as error:
        raise EngineError(str(error) or type(error).__name__) from error


async def _body(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > _MAX_BYTES:
            raise EngineError(f"expected a list of at most {_MAX_BYTES} bytes")
    return bytes(body)


def _decoded(body: bytes) -> list[_Listed]:
    try:
        return _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise EngineError(f"expected Docker's list of containers: {error}") from error


def _description(listed: _Listed) -> Description:
    # A container that others link to has more names, each below the other's.
    own = [name.removeprefix("/") for name in listed.names or () if name.count("/") <= 1]
    return Description(own[0] if own else listed.id, listed.image, listed.labels or {})
