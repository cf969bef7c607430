"""The process and the user at the other end of a Unix socket, as the kernel knows them."""

from __future__ import annotations

import socket
import struct
import sys

_UCRED = struct.Struct("3i")  # unix(7): pid, uid, gid
_XUCRED = struct.Struct("2I")  # macOS: sys/ucred.h begins with the version and the user
_XUCRED_BYTES = 128  # more than the whole structure, which the kernel fills as far as it fits
_SOL_LOCAL, _LOCAL_PEERCRED, _LOCAL_PEERPID = 0, 1, 2  # macOS: sys/un.h


def peer_uid(connected: socket.socket) -> int:
    """Return the user id of the peer.

    Raises:
        OSError: The kernel has no answer.
    """
    if sys.platform == "darwin":
        return int(_XUCRED.unpack_from(connected.getsockopt(_SOL_LOCAL, _LOCAL_PEERCRED, _XUCRED_BYTES))[1])
    return _ucred(connected)[1]


def peer_pid(connected: socket.socket) -> int:
    """Return the process id of the peer; 0 if it lives in another pid namespace.

    Raises:
        OSError: The kernel has no answer.
    """
    if sys.platform == "darwin":
        return connected.getsockopt(_SOL_LOCAL, _LOCAL_PEERPID)
    return _ucred(connected)[0]


def _ucred(connected: socket.socket) -> tuple[int, int, int]:
    pid, uid, gid = _UCRED.unpack(connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))
    return pid, uid, gid
