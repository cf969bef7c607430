"""The connections to a receiver, which read answers in small pieces up to a limit.

A hostile receiver could otherwise occupy the event loop: with endless interim answers (`100 Continue`), which no
timeout interrupts, or with hundreds of thousands of one-byte chunks in one read.
"""

from __future__ import annotations

import asyncio
import socket
from functools import partial
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler

_HEAD_BYTES = 128 * 1024
"""The bytes of an answer that are not its body: headers, interim answers, sizes of chunks."""

_RECEIVE_BUFFER = 8 * 1024
"""The size of the socket's buffer, which the kernel doubles, and so of one read."""


class BoundedConnector(aiohttp.TCPConnector):
    """Makes any number of connections, whose callers limit their requests.

    Attributes:
        most_bytes: The limit of an answer's body.
    """

    def __init__(self) -> None:
        super().__init__(limit=0, socket_factory=_socket)
        self.most_bytes = 0
        self._factory = partial(_handler, self)


class _BoundedHandler(ResponseHandler):
    """The protocol of one connection."""

    def __init__(self, connector: BoundedConnector) -> None:
        super().__init__(asyncio.get_running_loop())
        self._bounds = connector
        self._received = 0

    def set_response_params(self, **params: Any) -> None:  # noqa: ANN401 - those of the base class
        """Begin a request."""
        self._received = 0
        super().set_response_params(**params)

    def data_received(self, data: bytes) -> None:
        """Take a part of an answer, and close the connection if the answer is too long."""
        self._received += len(data)
        if self._received <= self._bounds.most_bytes + _HEAD_BYTES:
            super().data_received(data)
        elif self.transport is not None:
            self.transport.abort()


def _handler(connector: BoundedConnector) -> ResponseHandler:
    return _BoundedHandler(connector)


def _socket(address: tuple[Any, Any, int, str, Any]) -> socket.socket:
    family, kind, protocol, *_ = address
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
    return made
