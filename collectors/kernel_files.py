"""Reading the kernel's text files, which are small, and often many of them, at every scrape."""

from __future__ import annotations

import os
from collections.abc import Iterable
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
        return required_attribute(path)
    except OSError:
        return None


def required_attribute(path: str | Path) -> str:
    """One value of /sys without its newline.

    Read once: /sys gives a value whole, and none is longer than a page.

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
    """The values of a directory's attributes by their names, as `read_attribute` has them, without those it has not.

    Opened from the directory, for the way to it is most of what a read costs; one that is gone has none.
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
    """One whole number of /sys or /proc, or None where the kernel has no answer, or one that is no number.

    Hexadecimal numbers have 0x before them.
    """
    try:
        text = required_attribute(path)
        return int(text, 16) if text.startswith("0x") else int(text)
    except (OSError, ValueError):
        return None


def entries(directory: str | Path) -> list[str]:
    """The names in a directory, in order; none where there is no such directory."""
    try:
        return sorted(os.listdir(directory))  # noqa: PTH208 - names are wanted, and a scrape is to cost little
    except OSError:
        return []


def numbered(directory: Path, prefix: str) -> dict[str, Path]:
    """The entries named `prefix` and a number, by that number, ascending; none where there is no such directory."""
    numbers = (name.removeprefix(prefix) for name in entries(directory) if name.startswith(prefix))
    return {number: directory / f"{prefix}{number}" for number in sorted(filter(str.isdecimal, numbers), key=int)}
