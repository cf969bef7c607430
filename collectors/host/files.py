"""Reading the kernel's text files, which are small, and often many of them, at every scrape."""

from __future__ import annotations

import os
from pathlib import Path

_CHUNK = 65536


def read_bytes(path: str | Path) -> bytes:
    """All bytes of a file of /proc or /sys.

    Read to the end: /proc answers with one page at a time, however large the buffer.

    Raises:
        OSError: The file cannot be opened or read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        content = chunk = os.read(descriptor, _CHUNK)
        while chunk:
            chunk = os.read(descriptor, _CHUNK)
            content += chunk
        return content
    finally:
        os.close(descriptor)


def read_text(path: str | Path) -> str:
    """The text of a file of /proc or /sys, fit for label values: bytes that are not UTF-8 become U+FFFD.

    Raises:
        OSError: The file cannot be opened or read.
    """
    return read_bytes(path).decode(errors="replace")


def read_attribute(path: str | Path) -> str | None:
    """One value of /sys without its newline, or None where the kernel has no answer.

    It has none when the attribute is not there, and also by refusing the read: EINVAL for the carrier of an
    interface that is down, EOPNOTSUPP for the speed of one that has no such thing, ENODEV for one just unplugged.
    """
    try:
        return read_text(path).rstrip("\n")
    except OSError:
        return None
