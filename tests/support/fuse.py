"""A real file system whose answers wait for a permission, over /dev/fuse and with the layouts of linux/fuse.h.

Needs root, as every mount without a helper program does.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

_GETATTR, _STATFS, _INIT = 3, 17, 26
_FORGET = {2, 42}  # requests that are not answered
_HEADER = struct.Struct("<IIQQIIII")
_ANSWER = struct.Struct("<IiQ")
_INIT_ANSWER = struct.Struct("<IIIIHHIIHHI28x")
_ATTRIBUTES = struct.Struct("<QII6Q10I")
_STATFS_ANSWER = struct.Struct("<5Q4I24x")
_DIRECTORY = 0o40755
_DETACH = 2
_BUFFER = 1 << 17

BLOCK, BLOCKS = 4096, 1000
"""The size that it reports."""


class Fuse:
    """One mounted file system, which is empty. Requests that it holds are answered only while `answering` is set.

    Args:
        device: The open `/dev/fuse`.
        path: The place of the mount.
        held: The request to hold; `None` for all. A process that waits can be killed only if all are held, as they
            are not read then.
    """

    def __init__(self, device: int, path: Path, held: int | None) -> None:
        self.path = path
        self.answering = threading.Event()
        self._device = device
        self._held = held

    def serve(self) -> None:
        """Answer requests until the file system is gone."""
        with contextlib.suppress(OSError):
            self._request(os.read(self._device, _BUFFER))  # of the kernel itself, to begin
            if self._held is None:
                self.answering.wait()
            while True:
                self._request(os.read(self._device, _BUFFER))

    def _request(self, request: bytes) -> None:
        _, opcode, unique, *_ = _HEADER.unpack_from(request)
        if opcode == self._held:
            # In a thread of its own, so that other requests are answered at the same time.
            threading.Thread(target=self._answer_late, args=(opcode, unique), daemon=True).start()
        else:
            self._answer_to(opcode, unique)

    def _answer_late(self, opcode: int, unique: int) -> None:
        self.answering.wait()
        self._answer_to(opcode, unique)

    def _answer_to(self, opcode: int, unique: int) -> None:
        if opcode == _STATFS:
            space = (BLOCKS, BLOCKS // 2, BLOCKS // 4, 100, 50, BLOCK, 255, BLOCK, 0)
            self._answer(unique, _STATFS_ANSWER.pack(*space))
        elif opcode == _INIT:
            self._answer(unique, _INIT_ANSWER.pack(7, 31, 0, 0, 0, 0, 4096, 1, 0, 0, 0))
        elif opcode == _GETATTR:
            inode = (1, 0, 0, 0, 0, 0, 0, 0, 0, _DIRECTORY, 2, 0, 0, 0, BLOCK, 0)
            self._answer(unique, _ATTRIBUTES.pack(3600, 0, 0, *inode))
        elif opcode not in _FORGET:
            self._answer(unique, b"", -errno.ENOSYS)

    def _answer(self, unique: int, body: bytes, error: int = 0) -> None:
        with contextlib.suppress(OSError):  # the caller has gone
            os.write(self._device, _ANSWER.pack(_ANSWER.size + len(body), error, unique) + body)


def may_mount() -> bool:
    """Return True if this process may mount these file systems."""
    return os.geteuid() == 0 and Path("/dev/fuse").exists()


@contextlib.contextmanager
def hung_space(path: Path) -> Iterator[Fuse]:
    """Mount a file system at the empty directory `path` that hangs when asked for its space. Unmount it afterwards."""
    with _mounted(path, _STATFS) as mounted:
        yield mounted


@contextlib.contextmanager
def hung_disk(path: Path) -> Iterator[Fuse]:
    """Mount a file system at the empty directory `path` that hangs on every access. Unmount it afterwards."""
    with _mounted(path, None) as mounted:
        yield mounted


@contextlib.contextmanager
def _mounted(path: Path, held: int | None) -> Iterator[Fuse]:
    libc = ctypes.CDLL(None, use_errno=True)
    device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other".encode()
    target = os.fsencode(path)
    if libc.mount(b"hangs", target, b"fuse.hangs", 0, options):
        os.close(device)
        raise OSError(ctypes.get_errno(), "mount", str(path))
    mounted = Fuse(device, path, held)
    server = threading.Thread(target=mounted.serve, daemon=True)
    server.start()
    try:
        yield mounted
    finally:
        mounted.answering.set()
        libc.umount2(target, _DETACH)
        server.join(timeout=5)
        os.close(device)
