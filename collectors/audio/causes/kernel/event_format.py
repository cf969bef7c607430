"""The layout of one event of the kernel, from the text of its `format` file."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from operator import itemgetter
from typing import Any, NamedTuple

Reader = Callable[[bytes, int], tuple[Any, ...]]
"""Reads fields of an event out of a page at an offset.

Raises:
    struct.error: The event is longer than the page.
"""

_ID = re.compile(r"^ID: (\d+)$", re.MULTILINE)

_FIELD = re.compile(r"^\tfield:(.+?);\s*offset:(\d+);\s*size:(\d+);\s*signed:([01]);", re.MULTILINE)

_NAME = re.compile(r"(\w+)(\[\w*\])?$")

_SYMBOL = re.compile(r'\{ (0x[0-9a-fA-F]+|\d+), "(\w+)" \}')

_CODES = {1: "b", 2: "h", 4: "i", 8: "q"}


class Field(NamedTuple):
    """A field of an event.

    Attributes:
        offset: Bytes from the event's start.
        code: Its code in `struct`.
    """

    offset: int
    code: str


class EventFormat:
    """The layout of one event.

    Args:
        text: The text of its `format` file.

    Raises:
        ValueError: The text is none of a format.
    """

    def __init__(self, text: str) -> None:
        number = _ID.search(text)
        if not number:
            raise ValueError("the format of an event has no ID")
        self.number = int(number[1])
        self._fields = {_name(found[1]): _field(found) for found in _FIELD.finditer(text)}
        self.symbols = {int(value, 0): name for value, name in _SYMBOL.findall(text)}

    def reader(self, *names: str) -> tuple[Reader, int]:
        """Return a reader of fields in the given order, and the number of bytes that an event has at least.

        Raises:
            ValueError: The event has no such field.
        """
        missing = [name for name in names if name not in self._fields]
        if missing:
            raise ValueError(f"event {self.number} has no field {missing[0]}")
        ordered = sorted(names, key=lambda name: self._fields[name].offset)
        layout = struct.Struct("=" + _codes([self._fields[name] for name in ordered]))
        if ordered == list(names):
            return layout.unpack_from, layout.size
        arrange = itemgetter(*(ordered.index(name) for name in names))
        return lambda page, offset: arrange(layout.unpack_from(page, offset)), layout.size


def _name(declaration: str) -> str:
    found = _NAME.search(declaration)
    return found[1] if found else declaration


def _field(found: re.Match[str]) -> Field:
    declaration, offset, size, signed = found[1], int(found[2]), int(found[3]), found[4] == "1"
    code = _CODES.get(size)
    if code is None or (declaration.endswith("]") and not declaration.startswith("__data_loc")):
        return Field(offset, f"{size}s")
    return Field(offset, code if signed else code.upper())


def _codes(fields: list[Field]) -> str:
    """Return the codes of fields in order of their offsets, with padding between them.

    Raises:
        ValueError: Two of them overlap.
    """
    codes, end = "", 0
    for field in fields:
        if field.offset < end:
            raise ValueError("two fields of an event overlap")
        codes += f"{field.offset - end}x{field.code}"
        end = field.offset + struct.calcsize(f"={field.code}")
    return codes
