r"""Reads the members of JSON objects that strict decoders refuse. Pure.

Real programs write raw control characters, NaN, lone surrogates, colours, invalid UTF-8, nginx's `\x22`, `-` or nothing
in place of a number, and lines that are cut. All members up to the first unreadable one are returned.
"""

from __future__ import annotations

import json
import re
from typing import Any

from collectors.logs.stages.colours import without_colours

_LONGEST = 1 << 20
_SPACE = re.compile(r"[ \t\r\n]*")
_BYTES = re.compile(r"((?:^|[^\\])(?:\\\\)*)((?:\\x[0-9A-Fa-f]{2})+)")
_NOTHING = re.compile(r"-?[ \t\r\n]*(?=[,}])")
_DECODER = json.JSONDecoder(strict=False)


def members(line: bytes | str) -> dict[str, Any]:
    """Return the readable members of an object, as far as they are readable.

    Raises:
        ValueError: The text is no object.
    """
    text = line if isinstance(line, str) else line.decode("utf-8", "replace")
    text = without_colours(text[:_LONGEST]).strip("\ufeff\0 \t\r\n")
    if not text.startswith("{"):
        raise ValueError("expected an object")
    if "\\x" in text:
        text = _BYTES.sub(_as_json, text)
    return _read(text)


def _read(text: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    position = 1
    while True:
        position = _skip(text, position)
        if text[position : position + 1] != '"':
            return found
        try:
            name, position = _DECODER.raw_decode(text, position)
            position = _skip(text, position)
            if text[position : position + 1] != ":":
                return found
            found[_well_formed(name)], position = _value(text, _skip(text, position + 1))
        except (ValueError, StopIteration, RecursionError):
            return found
        position = _skip(text, position)
        if text[position : position + 1] != ",":
            return found
        position += 1


def _value(text: str, position: int) -> tuple[Any, int]:
    """Return a value and its end; `None` for a dash or for nothing, as nginx writes an unset variable."""
    if nothing := _NOTHING.match(text, position):
        return None, nothing.end()
    value, end = _DECODER.raw_decode(text, position)
    return _well_formed(value), end


def _skip(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found else position


def _as_json(found: re.Match[str]) -> str:
    data = bytes.fromhex(found[2].replace("\\x", ""))
    return found[1] + json.dumps(data.decode("utf-8", "replace"))[1:-1]


def _well_formed(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return the value with pairs of surrogates joined, and lone ones replaced."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_well_formed(element) for element in value]
    if isinstance(value, dict):
        return {_well_formed(name): _well_formed(element) for name, element in value.items()}
    return value
