"""Readers of the kernel's text files: small, often many of them, at every scrape."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

_CHUNK = 65536


def read_bytes(path: str | Path) -> bytes:
    """Read all bytes of a file of /proc or /sys.

    It reads to the end, because /proc answers with one page at a time for any size of buffer.

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
    """Read a file of /proc or /sys as text for label values: bytes that are not UTF-8 become U+FFFD.

    Raises:
        OSError: The file cannot be opened or read.
    """
    return read_bytes(path).decode(errors="replace")


def read_attribute(path: str | Path) -> str | None:
    """Read one value of /sys without its newline; return None where the kernel has no answer.

    It has none if the attribute is missing, or if it refuses the read: EINVAL for the carrier of an interface that is
    down, EOPNOTSUPP for the speed of one that has none, ENODEV for a device that was just unplugged.
    """
    try:
        return required_attribute(path)
    except OSError:
        return None


def required_attribute(path: str | Path) -> str:
    """Read one value of /sys without its newline.

    One read is enough: /sys gives a value whole, and none is longer than a page.

    Raises:
        OSError: The kernel has no answer.
    """
    return _value(os.open(path, os.O_RDONLY | os.O_CLOEXEC))


def _value(descriptor: int) -> str:
    try:
        return os.read(descriptor, _CHUNK).decode(errors="replace").rstrip("\n")
    finally:
        os.close(descriptor)


def read_attributes(directory: str | Path, names: Iterable[str]) -> dict[str, str]:
    """Read several attributes of a directory; return the values by name, without those that the kernel refuses.

    The files are opened relative to the directory, because the path lookup is most of the cost of a read. A missing
    directory has no attributes.
    """
    try:
        opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return {}
    try:
        found = {}
        for name in names:
            try:
                found[name] = _value(os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=opened))
            except OSError:
                continue
        return found
    finally:
        os.close(opened)


def read_number(path: str | Path) -> int | None:
    """Read one whole number of /sys or /proc; return None where the kernel has no answer or the text is no number.

    A hexadecimal number starts with 0x.
    """
    try:
        text = required_attribute(path)
        return int(text, 16) if text.startswith("0x") else int(text)
    except (OSError, ValueError):
        return None


def entries(directory: str | Path) -> list[str]:
    """Return the sorted names in a directory; none if it is missing."""
    try:
        return sorted(os.listdir(directory))  # noqa: PTH208 - names cost less than paths
    except OSError:
        return []


def numbered(directory: Path, prefix: str) -> dict[str, Path]:
    """Return the entries named `prefix` and a number, by that number, ascending; none if the directory is missing."""
    numbers = (name.removeprefix(prefix) for name in entries(directory) if name.startswith(prefix))
    return {number: directory / f"{prefix}{number}" for number in sorted(filter(str.isdecimal, numbers), key=int)}
