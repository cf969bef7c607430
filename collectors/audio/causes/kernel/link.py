"""One connection to the kernel recorder, in the protocol of `helper/protocol.py`."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections import deque
from pathlib import Path

import msgspec

from collectors.audio.causes.kernel.helper.protocol import REPLY_BYTES, VERSION
from collectors.peer_credentials import peer_pid


class LinkError(Exception):
    """A recorder that does not do as it is asked. `str()` says why."""


class _Reply(msgspec.Struct, frozen=True):
    """A reply of any kind."""

    version: int = VERSION
    frozen_ns: int = 0
    bytes: int = 0
    error: str = ""


_Pending = asyncio.Future[tuple[_Reply, int]]


class Link:
    """A connection. `send` may be called in any thread, the rest in that of the event loop.

    Args:
        connection: A connected socket that does not block.

    Attributes:
        pid: The process of the recorder.

    Raises:
        OSError: The kernel does not know that process.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._loop = asyncio.get_running_loop()
        self.pid = peer_pid(connection)
        self._connection = connection
        self._pending: deque[_Pending | None] = deque()
        self._sending = threading.Lock()
        self._closed: asyncio.Future[None] = self._loop.create_future()
        self._loop.add_reader(connection, self._read)

    @classmethod
    async def open(cls, path: Path, timeout: float) -> Link:  # noqa: ASYNC109 - of the recorder's greeting
        """Return a connection to the recorder's socket.

        Raises:
            LinkError: The recorder refuses this user, or cannot trace the kernel.
            OSError: There is no recorder.
        """
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
        try:
            connection.connect(str(path))
            link = cls(connection)
        except OSError:
            connection.close()
            raise
        try:
            await link._greeting(timeout)
        except BaseException:
            link.close()
            raise
        return link

    async def closed(self) -> None:
        """Wait until the connection ends."""
        await asyncio.shield(self._closed)

    def close(self) -> None:
        """End the connection."""
        if self._closed.done():
            return
        self._closed.set_result(None)
        with self._sending:
            self._loop.remove_reader(self._connection)
            self._connection.close()
            pending, self._pending = self._pending, deque()
        for future in pending:
            if future and not future.done():
                future.set_exception(LinkError("the kernel recorder closed the connection"))

    def send(self, request: bytes, reply: _Pending | None = None) -> None:
        """Send a request. A request that cannot be sent is dropped."""
        with self._sending:
            self._pending.append(reply)
            try:
                self._connection.send(request)
            except OSError:
                self._pending.pop()

    async def answer(self, request: bytes, timeout: float) -> tuple[_Reply, int]:  # noqa: ASYNC109 - of the reply
        """Return the reply to a request, and its descriptor or -1. An empty request waits for the greeting.

        Raises:
            LinkError: The recorder does not answer in time. Then the connection is closed.
        """
        pending: _Pending = self._loop.create_future()
        if request:
            self.send(request, pending)
        else:
            self._pending.append(pending)
        try:
            async with asyncio.timeout(timeout):
                return await pending
        except TimeoutError:
            self.close()
            raise LinkError(f"the kernel recorder did not answer within {timeout:g} s") from None

    async def window(self, start_ns: int, end_ns: int, timeout: float) -> int:  # noqa: ASYNC109 - of the reply
        """Return the descriptor of a memory file with a window. The caller closes it.

        Raises:
            LinkError: The recorder has none, or does not answer in time. Then the connection is closed.
        """
        reply, descriptor = await self.answer(f"window {start_ns} {end_ns}".encode(), timeout)
        if descriptor < 0:
            raise LinkError(f"the kernel recorder has no trace: {reply.error}")
        return descriptor

    async def _greeting(self, timeout: float) -> None:  # noqa: ASYNC109 - of the reply
        reply, _ = await self.answer(b"", timeout)
        if reply.error:
            raise LinkError(reply.error)
        if reply.version != VERSION:
            raise LinkError(f"the kernel recorder has version {reply.version}, not {VERSION}; install it again")

    def _read(self) -> None:
        try:
            content, descriptors, _, _ = socket.recv_fds(self._connection, REPLY_BYTES, 1, socket.MSG_CMSG_CLOEXEC)
        except BlockingIOError:
            return
        except OSError:
            content, descriptors = b"", []
        if not self._settle(content, descriptors):
            self.close()

    def _settle(self, content: bytes, descriptors: list[int]) -> bool:
        """Pass a reply to the request that waits for it; return False if the connection is to end."""
        taken = False
        try:
            reply = msgspec.json.decode(content, type=_Reply)
            pending = self._pending.popleft()
            if pending and not pending.done():
                pending.set_result((reply, descriptors[0] if descriptors else -1))
                taken = True
        except (msgspec.MsgspecError, IndexError):
            return False
        finally:
            if not taken:
                for descriptor in descriptors:
                    os.close(descriptor)
        return True
