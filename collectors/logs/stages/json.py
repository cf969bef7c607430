"""The `json` stage: extracts fields from lines that are JSON objects, without changing the line."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

import msgspec

from collectors.logs.stages.config import Context, FieldNames, StageConfig, by_name
from collectors.logs.stages.entries import Column, Entries, Stage
from collectors.logs.stages.lenient_json import members


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
        self._shape = shape

    def __call__(self, entries: Entries) -> None:
        source = entries.texts(self._from) if self._from else entries.lines
        objects = self._objects(source, entries)
        for name, path in self._paths.items():
            entries.fields[name] = self._column(objects, path)

    def _objects(self, source: list[Any], entries: Entries) -> list[Any]:
        try:
            return list(map(self._decode, source))
        except (msgspec.MsgspecError, UnicodeError, RecursionError, TypeError):
            return [self._object(text, entries) for text in source]

    def _object(self, text: Any, entries: Entries) -> Any:  # noqa: ANN401 - the shape is made at run time
        try:
            return self._decode(text)
        except (msgspec.MsgspecError, UnicodeError, RecursionError, TypeError):
            found = self._leniently(text)
        if not found:
            entries.missed["json"] += 1
        return self._shape(**{attribute: found.get(member) for member, attribute in self._attributes.items()})

    def _leniently(self, text: Any) -> dict[str, Any]:  # noqa: ANN401 - a field may hold any value
        """Return the readable members of a line that is no strict JSON; none if it is no object."""
        try:
            return members(text) if isinstance(text, bytes | str) else {}
        except ValueError:
            return {}

    def _column(self, objects: list[Any], path: str) -> Column:
        column = list(map(attrgetter(self._attributes[path]), objects))
        head, dot, rest = path.partition(".")
        if not dot:
            return column
        outer = map(attrgetter(self._attributes[head]), objects)
        return [exact if exact is not None else _reach(value, rest) for exact, value in zip(column, outer, strict=True)]


def _reach(value: object, path: str) -> object:
    for part in path.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(part)
    return value
