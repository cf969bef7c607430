r"""The `container` stage: unwraps the lines that Docker or a CRI runtime wrote for a container.

Docker (json-file): `{"log":"text\n","stream":"stdout","time":"RFC 3339"}`. A line over 16 KiB is split over several
objects; only the last one's text ends in a newline. CRI (containerd, CRI-O): `RFC-3339 stdout P text`. `P` is a part of
a line, `F` its end.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from typing import Literal, NamedTuple

import msgspec

from collectors.logs.stages.config import Context, StageConfig
from collectors.logs.stages.entries import Entries, Stage
from collectors.logs.stages.grouping import group
from collectors.logs.times.formats import reader
from collectors.logs.times.zone import Zone

_CRI_FIELDS = 4


class ContainerConfig(StageConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`{ container = {} }`: takes the time and the label `stream` (`stdout`, `stderr`) from the wrapper.

    Attributes:
        format: The wrapper's format; `auto` detects it for each line.
    """

    format: Literal["auto", "docker", "cri"] = "auto"

    def build(self, _context: Context) -> Stage:
        """Build the stage."""
        return _Container(_UNWRAP[self.format])


class _Docker(msgspec.Struct):
    log: str
    stream: str
    time: str


class _Piece(NamedTuple):
    text: bytes
    stream: str | None
    time: str | None
    ends: bool


_docker_decode = msgspec.json.Decoder(_Docker).decode


def _docker(line: bytes) -> _Piece:
    found = _docker_decode(line)
    text = found.log.encode("utf-8", "replace")
    ends = text.endswith(b"\n")
    return _Piece(text[:-1].removesuffix(b"\r") if ends else text, found.stream, found.time, ends)


def _cri(line: bytes) -> _Piece:
    parts = line.split(b" ", _CRI_FIELDS - 1)
    if len(parts) != _CRI_FIELDS or parts[1] not in {b"stdout", b"stderr"} or parts[2][:1] not in {b"F", b"P"}:
        raise ValueError(line)
    time, stream, tag, text = parts
    ends = tag[:1] == b"F"
    text = text.removesuffix(b"\r") if ends else text
    return _Piece(text, stream.decode(), time.decode("ascii", "replace"), ends)


def _auto(line: bytes) -> _Piece:
    return _docker(line) if line.startswith(b"{") else _cri(line)


_UNWRAP: dict[str, Callable[[bytes], _Piece]] = {"auto": _auto, "docker": _docker, "cri": _cri}


class _Container:
    def __init__(self, unwrap: Callable[[bytes], _Piece]) -> None:
        self._unwrap = unwrap
        self._read_time = reader("rfc3339", Zone(UTC))

    def __call__(self, entries: Entries) -> None:
        pieces = [self._piece(line, entries) for line in entries.lines]
        entries.lines = [piece.text for piece in pieces]
        entries.take_times([self._instant(piece.time) for piece in pieces])
        if len(entries.lines) < len(pieces):
            return  # held back until a time is known
        entries.labels["stream"] = [piece.stream for piece in pieces]
        opens = _opens(pieces)
        if not all(opens) or (pieces and not all(piece.ends for piece in pieces)):
            group(entries, opens, b"", is_open=lambda number: not pieces[number].ends)

    def _piece(self, line: bytes, entries: Entries) -> _Piece:
        try:
            return self._unwrap(line)
        except (ValueError, msgspec.MsgspecError, RecursionError):
            entries.missed["container"] += 1
            return _Piece(line, None, None, ends=True)

    def _instant(self, time: str | None) -> int | None:
        try:
            return self._read_time(time, 0)
        except ValueError:
            return None


def _opens(pieces: list[_Piece]) -> list[bool]:
    """Return for each piece whether it begins a line of its stream."""
    inside: dict[str | None, bool] = {}
    opens = []
    for piece in pieces:
        opens.append(not inside.get(piece.stream, False))
        inside[piece.stream] = not piece.ends
    return opens
