"""The kernel's reports of processes that start, start a program or end (the process connector of `linux/cn_proc.h`).

A filter in the kernel drops all other reports. Since Linux 6.6 any user may listen; before, it takes CAP_NET_ADMIN.
"""

from __future__ import annotations

import ctypes
import os
import socket
from dataclasses import dataclass
from struct import Struct
from typing import Literal

_NETLINK_CONNECTOR = 11
_CN_IDX_PROC = 1
_CN_VAL_PROC = 1
_LISTEN = 1
_SO_ATTACH_FILTER = 26
_NLMSG_DONE = 3
_HEADER = Struct("=IHHII")
_CN_MESSAGE = Struct("=IIIIHH")
_OPERATION = Struct("=I")
_EVENT = Struct("=IIQ")
_FORK = Struct("=IIII")
_EXEC = Struct("=II")
_EXIT = Struct("=IIII")
_EVENT_AT = _HEADER.size + _CN_MESSAGE.size
_DATA_AT = _EVENT_AT + _EVENT.size
_PROC_EVENT_FORK, _PROC_EVENT_EXEC, _PROC_EVENT_EXIT = 0x1, 0x2, 0x80000000
_FIRST_PID_NAMESPACE = 0xEFFFFFFC
"""`PROC_PID_INIT_INO` of the kernel."""
_RECEIVED_BYTES = 4096
_MOST_EVENTS = 512


class _Instruction(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint16), ("jt", ctypes.c_uint8), ("jf", ctypes.c_uint8), ("k", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("filter", ctypes.POINTER(_Instruction)))


@dataclass(frozen=True, slots=True)
class ProcessEvent:
    """One report.

    Attributes:
        at_ns: Monotonic time.
        kind: `started` is the start of a process, or of another program in it.
        pid: The process.
        signal: The signal that ended it; 0 for none.
        code: Its exit code.
    """

    at_ns: int
    kind: Literal["started", "ended"]
    pid: int
    signal: int = 0
    code: int = 0


def parse_event(message: bytes) -> ProcessEvent | None:
    """Return the report in a netlink message; None for any other report and for those of mere threads."""
    if len(message) < _DATA_AT + _EXIT.size:
        return None
    what, _, at_ns = _EVENT.unpack_from(message, _EVENT_AT)
    if what == _PROC_EVENT_FORK:
        _, _, thread, pid = _FORK.unpack_from(message, _DATA_AT)
        return ProcessEvent(at_ns, "started", pid) if thread == pid else None
    if what == _PROC_EVENT_EXEC:
        _, pid = _EXEC.unpack_from(message, _DATA_AT)
        return ProcessEvent(at_ns, "started", pid)
    if what != _PROC_EVENT_EXIT:
        return None
    thread, pid, status, _ = _EXIT.unpack_from(message, _DATA_AT)
    if thread != pid:
        return None
    return ProcessEvent(at_ns, "ended", pid, status & 0x7F, status >> 8 & 0xFF)


class ProcessEvents:
    """The connection to the kernel.

    Attributes:
        failure: The reason why there is none; empty if there is one.
        lost: Whether reports were lost since the last `read`, because there were too many.
    """

    def __init__(self) -> None:
        self.failure = ""
        self.lost = False
        self._socket: socket.socket | None = None
        if not _is_first_namespace():
            self.failure = "the agent runs in a container"
            return
        try:
            self._socket = _connected()
        except OSError as error:
            self.failure = error.strerror or str(error)

    def fileno(self) -> int:
        """Return the socket's descriptor; -1 without one."""
        return self._socket.fileno() if self._socket is not None else -1

    def read(self) -> list[ProcessEvent]:
        """Return the reports since the last call."""
        self.lost = False
        found: list[ProcessEvent] = []
        for _ in range(_MOST_EVENTS if self._socket is not None else 0):
            try:
                message = self._socket.recv(_RECEIVED_BYTES, socket.MSG_DONTWAIT)  # type: ignore[union-attr] # see the range
            except BlockingIOError:
                break
            except OSError:  # ENOBUFS: the kernel dropped reports
                self.lost = True
                continue
            if event := parse_event(message):
                found.append(event)
        return found

    def close(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _is_first_namespace() -> bool:
    """Return whether process numbers here are those of the kernel; elsewhere it sends nothing and reports no error."""
    try:
        return os.stat("/proc/self/ns/pid").st_ino == _FIRST_PID_NAMESPACE  # noqa: PTH116 - not worth a path
    except OSError:
        return False


def _connected() -> socket.socket:
    connection = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC, _NETLINK_CONNECTOR)
    try:
        _attach_filter(connection)
        connection.bind((0, _CN_IDX_PROC))
        payload = _OPERATION.pack(_LISTEN)
        body = _CN_MESSAGE.pack(_CN_IDX_PROC, _CN_VAL_PROC, 0, 0, len(payload), 0) + payload
        connection.send(_HEADER.pack(_HEADER.size + len(body), _NLMSG_DONE, 0, 0, os.getpid()) + body)
    except BaseException:
        connection.close()
        raise
    return connection


def _attach_filter(connection: socket.socket) -> None:
    """Let the kernel deliver only reports of whole processes: their start, their programs' start and their end.

    Classic BPF loads words in network order, so the constants are converted.
    """
    load, equal, equal_index, transfer, give = 0x20, 0x15, 0x1D, 0x07, 0x06
    instructions = (
        _Instruction(load, 0, 0, _EVENT_AT),
        _Instruction(equal, 11, 0, socket.htonl(_PROC_EVENT_EXEC)),
        _Instruction(equal, 0, 4, socket.htonl(_PROC_EVENT_FORK)),
        _Instruction(load, 0, 0, _DATA_AT + 8),
        _Instruction(transfer, 0, 0, 0),
        _Instruction(load, 0, 0, _DATA_AT + 12),
        _Instruction(equal_index, 6, 5, 0),
        _Instruction(equal, 0, 4, socket.htonl(_PROC_EVENT_EXIT)),
        _Instruction(load, 0, 0, _DATA_AT),
        _Instruction(transfer, 0, 0, 0),
        _Instruction(load, 0, 0, _DATA_AT + 4),
        _Instruction(equal_index, 1, 0, 0),
        _Instruction(give, 0, 0, 0),
        _Instruction(give, 0, 0, 0xFFFFFFFF),
    )
    array = (_Instruction * len(instructions))(*instructions)
    program = _Program(len(instructions), array)
    connection.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, bytes(program))
