"""The socket of the recorder: one agent at a time, of a permitted user."""

from __future__ import annotations

import json
import os
import select
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from collectors.audio.causes.kernel.helper.instance import NoTracingError
from collectors.audio.causes.kernel.helper.protocol import REPLY_BYTES, REQUEST_BYTES, VERSION
from collectors.audio.causes.kernel.helper.recording import Recording

_UCRED = struct.Struct("3i")  # unix(7): pid, uid, gid

_TEXT_BYTES = REPLY_BYTES // 8
"""The limit of an error's text: each character takes six bytes of JSON at most."""


class _RefusedError(Exception):
    """A request that ends the connection."""


class Server:
    """The recorder's end of the socket. The kernel is traced only while an agent is connected.

    Args:
        path: The socket's path.
        users: The user numbers that may connect.
        begin: Starts recording.

    Raises:
        OSError: The socket cannot be made.
    """

    def __init__(self, path: Path, users: frozenset[int], begin: Callable[[], Recording]) -> None:
        self._users = users
        self._begin = begin
        self._agent: socket.socket | None = None
        self._recording: Recording | None = None
        self._poll = select.poll()
        self._listener = _listen(path)
        self._poll.register(self._listener, select.POLLIN)

    def serve(self, end: int) -> None:
        """Serve agents until there is something to read at a descriptor."""
        self._poll.register(end, select.POLLIN)
        try:
            while self._turn(end):
                pass
        finally:
            self._part()

    def _turn(self, end: int) -> bool:
        """Wait for something to do, and do it; return False at the end."""
        ready = {descriptor for descriptor, _ in self._poll.poll(self._timeout())}
        if end in ready:
            return False
        if self._recording and self._timeout() == 0:
            self._keep(self._recording)
        if self._agent and self._agent.fileno() in ready:
            self._answer(self._agent)
        if self._listener.fileno() in ready:
            self._accept()
        return True

    def _timeout(self) -> float | None:
        """Return the milliseconds until there is something to keep; `None` if there is nothing."""
        if not self._recording or not self._recording.due_ns:
            return None
        return max(self._recording.due_ns - time.monotonic_ns(), 0) / 1e6

    def _keep(self, recording: Recording) -> None:
        try:
            recording.keep()
        except OSError:
            self._part()

    def _accept(self) -> None:
        try:
            peer, _ = self._listener.accept()
        except OSError:
            return
        peer.setblocking(False)
        error = self._refusal(peer) or self._start()
        if not _send(peer, {"version": VERSION, "error": error}) or error:
            peer.close()
            if not self._agent:
                self._part()
            return
        self._agent = peer
        self._poll.register(peer, select.POLLIN)

    def _refusal(self, peer: socket.socket) -> str:
        """Return why a peer is not served; empty if it is."""
        _, user, _ = _UCRED.unpack(peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))
        if user not in self._users:
            return f"user {user} may not use the kernel recorder; its unit's --user names another one"
        return "another agent uses the kernel recorder; it serves one at a time" if self._agent else ""

    def _start(self) -> str:
        """Start recording; return why it cannot, or an empty text."""
        try:
            self._recording = self._begin()
        except (OSError, NoTracingError) as error:
            return f"the kernel cannot be traced: {str(error)[:_TEXT_BYTES]}"
        return ""

    def _answer(self, agent: socket.socket) -> None:
        try:
            request = agent.recv(REQUEST_BYTES + 1)
            reply, descriptors = self._reply(request.split() if len(request) <= REQUEST_BYTES else [])
        except (OSError, ValueError, _RefusedError):
            self._part()
            return
        try:
            if not _send(agent, reply, descriptors):
                self._part()
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def _reply(self, words: list[bytes]) -> tuple[dict[str, object], list[int]]:
        if not self._recording:
            raise _RefusedError
        try:
            match words:
                case [b"freeze"]:
                    return {"frozen_ns": self._recording.freeze()}, []
                case [b"window", start, end] if len(start) <= 19 and len(end) <= 19:  # noqa: PLR2004 - digits of 64 bits
                    descriptor = self._recording.window(int(start), int(end))
                    return {"bytes": os.fstat(descriptor).st_size}, [descriptor]
        except OSError as error:
            return {"error": str(error)[:_TEXT_BYTES]}, []
        raise _RefusedError

    def _part(self) -> None:
        """Drop the agent, and stop recording."""
        if self._agent:
            self._poll.unregister(self._agent)
            self._agent.close()
        if self._recording:
            self._recording.close()
        self._agent = self._recording = None


def _listen(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with suppress(FileNotFoundError):
        _refuse_second(path)
        path.unlink()
    listener.bind(str(path))
    path.chmod(0o666)  # every user can connect, and the kernel says which user did
    listener.listen(4)
    listener.setblocking(False)
    return listener


def _refuse_second(path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as other, suppress(ConnectionRefusedError):
        other.connect(str(path))
        raise OSError(f"another recorder serves {path}")


def _send(peer: socket.socket, reply: dict[str, object], descriptors: list[int] | None = None) -> bool:
    """Send a reply; return False if the peer is gone or does not read."""
    try:
        socket.send_fds(peer, [json.dumps(reply).encode()], descriptors or [], socket.MSG_NOSIGNAL)
    except OSError:
        return False
    return True
