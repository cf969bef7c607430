"""A client of the system's D-Bus for a few calls and one signal.

Format: D-Bus specification 0.41, "Message Protocol". It writes strings as arguments, and reads the header and the raw
body of a message. Linux alone has this bus.
"""

from __future__ import annotations

import array
import asyncio
import os
import re
import socket
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

ADDRESS = "unix:path=/run/dbus/system_bus_socket"

CALL, RETURN, ERROR, SIGNAL = 1, 2, 3, 4
_PATH, _INTERFACE, _MEMBER, _REPLY_TO, _DESTINATION, _SIGNATURE = 1, 2, 3, 5, 6, 8
_TYPES = {_PATH: b"o", _INTERFACE: b"s", _MEMBER: b"s", _DESTINATION: b"s", _SIGNATURE: b"g"}
_BUS = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus")
_FIXED = struct.Struct("<cBBBIII")
_MOST_BYTES = 1 << 20
_PATH_OF_ADDRESS = re.compile(r"unix:(?:.*,)?path=([^,;]+)")


class BusError(Exception):
    """The bus, or a service on it, cannot be used."""


@dataclass(frozen=True, slots=True)
class Message:
    """A received message.

    Attributes:
        type: `CALL`, `RETURN`, `ERROR` or `SIGNAL`.
        fields: The header's fields that are strings or numbers, by their code.
        body: The marshalled arguments.
        fds: The file descriptors that came with it.
    """

    type: int
    fields: Mapping[int, str | int]
    body: bytes
    fds: Sequence[int] = field(default_factory=list)

    @property
    def member(self) -> str:
        """The name of the signal or method."""
        return str(self.fields.get(_MEMBER, ""))


class Bus:
    """A connection to the bus. Use it as an asynchronous context manager."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.setblocking(False)
        self._received = bytearray()
        self._fds: list[int] = []
        self._serial = 0

    async def __aenter__(self) -> Self:
        try:
            return await self._connect()
        except BaseException:
            self._socket.close()
            raise

    async def __aexit__(self, *_: object) -> None:
        self._socket.close()
        for fd in self._fds:
            os.close(fd)

    async def call(self, destination: str, path: str, interface: str, member: str, *arguments: str) -> Message:
        """Call a method with strings, and return its answer. Signals that come before it are ignored.

        Raises:
            BusError: The bus or the service refuses the call.
            OSError: The connection has ended.
        """
        self._serial += 1
        fields = {_PATH: path, _INTERFACE: interface, _MEMBER: member, _DESTINATION: destination}
        await self._send(_message(self._serial, fields, arguments))
        while True:
            answer = await self.receive()
            if answer.fields.get(_REPLY_TO) == self._serial:
                if answer.type == ERROR:
                    raise BusError(f"{member}: {answer.body[4:].rstrip(bytes(1)).decode(errors='replace')}")
                return answer

    async def match(self, rule: str) -> None:
        """Ask for the signals that a rule matches."""
        await self.call(*_BUS, "AddMatch", rule)

    async def receive(self) -> Message:
        """Wait for the next message.

        Raises:
            BusError: The message is malformed.
            OSError: The connection has ended.
        """
        header = await self._read(16)
        order, kind, _, _, length, _, fields = _FIXED.unpack(header)
        rest = _aligned(fields, 8) + length
        if order != b"l" or rest > _MOST_BYTES:
            raise BusError("expected a message of up to 1 MiB in little-endian order")
        content = await self._read(rest)
        fds, self._fds = self._fds, []
        return Message(kind, _fields(content[:fields]), content[_aligned(fields, 8) :], fds)

    async def _connect(self) -> Self:
        address = os.environ.get("DBUS_SYSTEM_BUS_ADDRESS", ADDRESS)
        found = _PATH_OF_ADDRESS.match(address)
        if found is None:
            raise BusError(f"expected an address such as {ADDRESS}, got {address}")
        await asyncio.get_running_loop().sock_connect(self._socket, found[1])
        await self._send(b"\0AUTH EXTERNAL " + str(os.geteuid()).encode().hex().encode() + b"\r\n")
        await self._expect(b"OK")
        await self._send(b"NEGOTIATE_UNIX_FD\r\n")
        await self._expect(b"AGREE_UNIX_FD")
        await self._send(b"BEGIN\r\n")
        await self.call(*_BUS, "Hello")
        return self

    async def _expect(self, word: bytes) -> None:
        while b"\r\n" not in self._received:
            await self._fill()
        line, _, rest = bytes(self._received).partition(b"\r\n")
        self._received[:] = rest
        if not line.startswith(word):
            raise BusError(f"expected {word!r} from the bus, got {line[:80]!r}")

    async def _send(self, content: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self._socket, content)

    async def _read(self, size: int) -> bytes:
        while len(self._received) < size:
            await self._fill()
        content = bytes(self._received[:size])
        del self._received[:size]
        return content

    async def _fill(self) -> None:
        await _readable(self._socket)
        size = socket.CMSG_LEN(4 * 8)
        content, ancillary, _, _ = self._socket.recvmsg(65536, size, socket.MSG_CMSG_CLOEXEC)
        if not content:
            raise ConnectionResetError("the bus closed the connection")
        self._received += content
        for level, kind, data in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                self._fds += array.array("i", data[: len(data) // 4 * 4])


async def _readable(of: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()

    def settle() -> None:
        if not ready.done():
            ready.set_result(None)

    loop.add_reader(of, settle)
    try:
        await ready
    finally:
        loop.remove_reader(of)


def _aligned(size: int, to: int) -> int:
    return -(-size // to) * to


def _message(serial: int, fields: Mapping[int, str], arguments: Sequence[str]) -> bytes:
    """Return a method call."""
    body = bytearray()
    for text in arguments:
        body += bytes(_aligned(len(body), 4) - len(body)) + _string(text)
    header = bytearray()
    for code, text in [*fields.items(), *([(_SIGNATURE, "s" * len(arguments))] if arguments else [])]:
        header += bytes(_aligned(len(header), 8) - len(header))
        kind = _TYPES[code]
        header += bytes([code, 1]) + kind + b"\0" + (_signature(text) if kind == b"g" else _string(text))
    fixed = _FIXED.pack(b"l", CALL, 0, 1, len(body), serial, len(header))
    return fixed + bytes(header) + bytes(_aligned(len(header), 8) - len(header)) + bytes(body)


def _string(text: str) -> bytes:
    encoded = text.encode()
    return struct.pack("<I", len(encoded)) + encoded + b"\0"


def _signature(text: str) -> bytes:
    return bytes([len(text)]) + text.encode() + b"\0"


def _fields(content: bytes) -> dict[int, str | int]:
    """Return the fields of a header, each a code and a variant."""
    found: dict[int, str | int] = {}
    at = 0
    while at < len(content):
        at = _aligned(at, 8)
        code, kind = content[at], content[at + 2 : at + 3]
        at += 4
        if kind == b"u":
            (found[code],) = struct.unpack_from("<I", content, at)
            at += 4
        elif kind == b"g":
            found[code] = content[at + 1 : at + 1 + content[at]].decode()
            at += content[at] + 2
        else:
            (size,) = struct.unpack_from("<I", content, at)
            found[code] = content[at + 4 : at + 4 + size].decode()
            at += size + 5
    return found
