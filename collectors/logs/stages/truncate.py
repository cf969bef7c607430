"""The `truncate` stage: shortens lines over a limit and marks their end. Every pipeline ends with it."""

from __future__ import annotations

from collectors.logs.stages.config import Context, StageConfig
from collectors.logs.stages.entries import Entries, Stage
from collectors.units import Size

LOKI_MAX_LINE_BYTES = 262_144
_MIN_BYTES = 64


class TruncateConfig(StageConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`{ truncate = { max_size = "16KiB" } }`.

    Attributes:
        max_size: The longest line in bytes, including the mark.
    """

    max_size: Size = Size(LOKI_MAX_LINE_BYTES)

    def __post_init__(self) -> None:
        if not _MIN_BYTES <= self.max_size <= LOKI_MAX_LINE_BYTES:
            raise ValueError(f"expected a max_size of {_MIN_BYTES}B to 256KiB (Loki's limit), got {self.max_size}B")

    def build(self, _context: Context) -> Stage:
        """Build the stage."""
        limit = self.max_size

        def truncate(entries: Entries) -> None:
            if max(map(len, entries.lines), default=0) <= limit:
                return
            entries.missed["truncated"] += sum(len(line) > limit for line in entries.lines)
            size = entries.true_bytes if len(entries.lines) == 1 else 0
            entries.lines = [line if len(line) <= limit else shortened(line, limit, size) for line in entries.lines]

        return truncate


def shortened(line: bytes, limit: int, true_bytes: int = 0) -> bytes:
    """Return the beginning of a line up to a whole character, and a mark with its true size, in `limit` bytes."""
    mark = f" …[truncated, {max(true_bytes, len(line))} bytes]".encode()
    end = limit - len(mark)
    while end > limit - len(mark) - 3 and line[end] & 0xC0 == 0x80:  # noqa: PLR2004 - UTF-8's continuation bytes
        end -= 1
    return line[:end] + mark
