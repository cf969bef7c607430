"""Detects UTF-16 and UTF-32 text and converts it to UTF-8. Pure."""

from __future__ import annotations

import codecs

SNIFFED_BYTES = 64
"""The bytes at the beginning of a file that tell its encoding."""

_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32-le",  # before UTF-16, whose mark is its beginning
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_LEAST_BYTES = 8


def wide_encoding(head: bytes) -> str:
    """Return the codec of a text that is not in bytes; empty for any other.

    Without a byte order mark, a text in ASCII letters is recognised by the NUL in every second byte.
    """
    for mark, codec in _MARKS.items():
        if head.startswith(mark):
            return codec
    head = head[: SNIFFED_BYTES - SNIFFED_BYTES % 2]
    even, odd = head[0::2], head[1::2]
    if len(head) < _LEAST_BYTES:
        return ""
    if not any(odd) and all(even):
        return "utf-16-le"
    return "utf-16-be" if not any(even) and all(odd) else ""


class Transcoder:
    """The conversion of one text to UTF-8, in pieces."""

    def __init__(self, codec: str) -> None:
        self._decoder = codecs.getincrementaldecoder(codec)(errors="replace")

    def convert(self, data: bytes) -> bytes:
        """Return the next piece in UTF-8; an incomplete character waits for the rest."""
        return self._decoder.decode(data).encode("utf-8", "replace")
