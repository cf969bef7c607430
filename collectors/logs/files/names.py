"""File names that are not UTF-8: their text for people and Loki, and their key in the positions file. Pure.

Python keeps such bytes as lone surrogates, which no encoder accepts.
"""

from __future__ import annotations

import os

_RAW = "\0"
"""The first character of a key that has a byte for each character. No path contains it."""


def shown(path: str) -> str:
    r"""Return a path as text, with bytes that are not UTF-8 as `\xe9`: two names stay different."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def to_key(path: str) -> str:
    """Return a text that is UTF-8 and identifies the path."""
    return path if _is_utf8(path) else _RAW + os.fsencode(path).decode("latin-1")


def from_key(key: str) -> str:
    """Return the path of a key."""
    return os.fsdecode(key[1:].encode("latin-1")) if key.startswith(_RAW) else key


def _is_utf8(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
