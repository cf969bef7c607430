"""The `json` stage: extracts fields from lines that are JSON objects, without changing the line."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

import msgspec

from collectors.logs.stages.config import Context, FieldNames, StageConfig, by_name
from collectors.logs.stages.entries import Column, Entries, Stage


class JsonConfig(StageConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`{ json = { fields = ["time", "level"] } }`.

    Attributes:
        fields: The members to extract. A dot reaches into an object (`http.status`), unless a member has the whole
            name.
        field: The field with the JSON; empty for the line.
    """

    fields: FieldNames
    field: str = ""

    def build(self, _context: Context) -> Stage:
        """Build the stage with a decoder that skips all other members."""
        return _Json(self)


class _Json:
    def __init__(self, config: JsonConfig) -> None:
        self._from = config.field
        self._paths = dict(by_name(config.fields))
        members = dict.fromkeys(part for path in self._paths.values() for part in (path, path.partition(".")[0]))
        self._attributes = {member: f"member{number}" for number, member in enumerate(members)}
        shape = msgspec.defstruct(
            "Line",
            [(attribute, Any, None) for attribute in self._attributes.values()],
            rename={attribute: member for member, attribute in self._attributes.items()},
            gc=False,
        )
        self._decode = msgspec.json.Decoder(shape).decode
        self._none = shape()

    def __call__(self, entries: Entries) -> None:
        source = entries.texts(self._from) if self._from else entries.lines
        objects = self._objects(source, entries)
        for name, path in self._paths.items():
            entries.fields[name] = self._column(objects, path)

    def _objects(self, source: list[Any], entries: Entries) -> list[Any]:
        try:
            return list(map(self._decode, source))
        except (msgspec.MsgspecError, UnicodeError, RecursionError, TypeError):
            return [_decoded(self._decode, text, self._none, entries) for text in source]

    def _column(self, objects: list[Any], path: str) -> Column:
        column = list(map(attrgetter(self._attributes[path]), objects))
        head, dot, rest = path.partition(".")
        if not dot:
            return column
        outer = map(attrgetter(self._attributes[head]), objects)
        return [exact if exact is not None else _reach(value, rest) for exact, value in zip(column, outer, strict=True)]


def _decoded(decode: Callable[[Any], Any], text: Any, none: Any, entries: Entries) -> Any:  # noqa: ANN401 - made struct
    try:
        return decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError, TypeError):
        entries.missed["json"] += 1
        return none


def _reach(value: object, path: str) -> object:
    for part in path.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(part)
    return value
