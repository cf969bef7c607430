"""Bounded reading of files that a user names, and of state that another program may have damaged."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path

_KINDS = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFCHR: "a character device",
    stat.S_IFBLK: "a block device",
    stat.S_IFSOCK: "a socket",
    stat.S_IFDIR: "a directory",
}


def read(path: Path, limit: int) -> bytes:
    """Return the content of a regular file. Never waits for a FIFO or a device.

    Args:
        path: The file.
        limit: The maximum size in bytes.

    Raises:
        OSError: The file cannot be read, is no regular file or is larger. `strerror` has the reason.
    """
    with opened(path, limit) as file:
        content = file.read(limit + 1)
    if len(content) > limit:  # such as a file below /proc, whose size is 0
        raise _too_large(path, limit)
    return content


def lines(path: Path, limit: int, longest: int) -> Iterator[bytes]:
    """Yield the lines of a regular file without their newlines. An overlong or unfinished line is left out.

    Args:
        path: The file.
        limit: The maximum size in bytes.
        longest: The maximum size of a line in bytes.

    Raises:
        OSError: The file cannot be read, is no regular file or is larger. `strerror` has the reason.
    """
    with opened(path, limit) as file:
        is_whole = True
        while line := file.readline(longest + 1):
            if is_whole and line.endswith(b"\n"):
                yield line[:-1]
            is_whole = line.endswith(b"\n")


def opened(path: Path, limit: int) -> BufferedReader:
    """Open a regular file for reading. Arguments and errors are those of `read`."""
    check(path, path.stat(), limit)  # opening a device can have effects
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    file = os.fdopen(descriptor, "rb")
    try:
        check(path, os.fstat(descriptor), limit)
    except OSError:
        file.close()
        raise
    return file


def check(path: Path, seen: os.stat_result, limit: int) -> None:
    """Refuse a file that `read` would not read.

    Raises:
        OSError: The file is no regular file, or is larger than `limit`.
    """
    kind = stat.S_IFMT(seen.st_mode)
    if kind != stat.S_IFREG:
        found = _KINDS.get(kind, "another kind of file")
        raise OSError(errno.EINVAL, f"expected a regular file, found {found}", str(path))
    if seen.st_size > limit:
        raise _too_large(path, limit)


def is_refusal(error: Exception) -> bool:
    """Return True if `read` or `check` refused the file for its kind or its size."""
    return isinstance(error, OSError) and error.errno in (errno.EINVAL, errno.EFBIG)


def _too_large(path: Path, limit: int) -> OSError:
    return OSError(errno.EFBIG, f"expected a file of at most {limit} bytes, found a larger one", str(path))
