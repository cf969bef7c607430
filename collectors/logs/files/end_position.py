"""The position at the end of a file, for a source that skips what its files hold at the very first start."""

from __future__ import annotations

import msgspec

from collectors.logs.files.content import PlainContent, open_content
from collectors.logs.files.fingerprint import HEAD_BYTES, TAIL_BYTES, fingerprint
from collectors.logs.files.positions import Position


def position_at_end(path: str, position: Position) -> Position:
    """Return the position at the end of a file.

    Args:
        path: The file, which is not compressed.
        position: Its position at the beginning.

    Raises:
        OSError: It cannot be read.
    """
    content = open_content(path)
    try:
        assert isinstance(content, PlainContent)  # noqa: S101 - discovery leaves compressed files out
        size = _text_size(content)
        start = max(0, size - TAIL_BYTES)
        return msgspec.structs.replace(
            position,
            offset=size,
            head=fingerprint(content.read(0, min(size, HEAD_BYTES))),
            tail=fingerprint(content.read(start, size - start)),
            clocks=((size, position.clocks[0][1]),),
        )
    finally:
        content.close()


def _text_size(content: PlainContent) -> int:
    """Return the size of a file; UTF-16 is converted to its end."""
    while content.read(content.size, 1):
        pass
    return content.size
