"""The conversion of plain data from a file into typed structs. It reports every problem with its key's full path.

The structs own the keys. msgspec converts and checks each value. It stops at the first error, so this module walks over
the keys itself.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, time
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

import msgspec

from collectors.variants import Variants

StructT = TypeVar("StructT", bound=msgspec.Struct)

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_MSGSPEC_PATH = re.compile(r" - at `\$(.*)`$")
_GOT_TYPE = re.compile(r", got `[^`]*`")
_WORD = re.compile(r"\w+")
_TYPE = re.compile(r"\b(array|bool|float|int|null|object|str)\b")
_WORDS = {
    "array": "a list",
    "bool": "true or false",
    "float": "a number",
    "int": "a whole number",
    "null": "nothing",
    "object": "a table",
    "str": "text",
}
"""The words for msgspec's names of types, which are those of JSON and Python."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem of a configuration: the key's full path, the value expected and the value found."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


def decode(kind: type[StructT], data: Mapping[str, object]) -> tuple[StructT | None, list[Problem]]:
    """Convert `data` to a `kind`, or return every problem.

    A type with a class method `parse(text)` is read from a string. A type annotated with `Variants` is read from a
    table whose only key names the variant. In every string, `${NAME}` is replaced by that environment variable.

    Returns:
        The struct and no problems, or `None` and at least one.
    """
    problems: list[Problem] = []
    struct = _struct(kind, data, "", problems)
    return (None, problems) if problems else (struct, [])


def _struct(kind: type[StructT], data: Mapping[str, object], prefix: str, problems: list[Problem]) -> StructT | None:
    before = len(problems)
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    problems += [Problem(prefix + key, _unknown(key, fields)) for key in data if key not in fields]
    where = prefix.removesuffix(".") or "file"
    problems += [
        Problem(where, f"expected the key {key}, which has no default")
        for key, field in fields.items()
        if field.required and key not in data
    ]
    values = {
        field.name: _value(field.type, data[key], prefix + key, problems)
        for key, field in fields.items()
        if key in data
    }
    failed = {problem.path.removeprefix(prefix).partition(".")[0].partition("[")[0] for problem in problems[before:]}
    struct = _checked(
        kind, {name: value for name, value in values.items() if name not in failed}, where, problems, failed
    )
    return None if len(problems) > before else struct


def _checked(
    kind: type[StructT], values: Mapping[str, object], where: str, problems: list[Problem], failed: AbstractSet[str]
) -> StructT | None:
    """Build a struct; report the combinations of keys that it refuses, unless one of them failed by itself."""
    try:
        return kind(**values)
    except ValueError as error:
        lines = [line for line in str(error).splitlines() if failed.isdisjoint(_WORD.findall(line))]
        problems += [Problem(where, line) for line in lines]
    except TypeError:  # a key without a default is missing or has failed
        pass
    return None


def _value(kind: Any, value: object, path: str, problems: list[Problem]) -> object:  # noqa: ANN401 - any annotation
    if variants := next((it for it in getattr(kind, "__metadata__", ()) if isinstance(it, Variants)), None):
        return _variant(variants.by_key, value, path, problems)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return _table(kind, value, path, problems)
    bare = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    container = get_origin(bare)
    before = len(problems)
    if isinstance(value, list) and container in {list, tuple, frozenset}:
        item = get_args(bare)[0]
        made = container(_value(item, one, f"{path}[{index}]", problems) for index, one in enumerate(value))
    elif isinstance(value, Mapping) and container is dict:
        item = get_args(bare)[1]
        made = {key: _value(item, one, f"{path}.{key}", problems) for key, one in value.items()}
    else:
        return _leaf(kind, value, path, problems)
    if bare is not kind and len(problems) == before:
        _leaf(kind, value, path, problems)  # what the annotation says of the whole
    return made


def _table(kind: type[msgspec.Struct], value: object, path: str, problems: list[Problem]) -> object:
    if isinstance(value, Mapping):
        return _struct(kind, value, f"{path}.", problems)
    problems.append(Problem(path, f"expected a table, such as [{path}], got {_shown(value)}"))
    return None


def _variant(variants: Mapping[str, type[msgspec.Struct]], value: object, path: str, problems: list[Problem]) -> object:
    """Convert a table with one key, which names the variant of its value."""
    if not isinstance(value, Mapping) or len(value) != 1:
        example = next(iter(variants))
        problems.append(
            Problem(path, f"expected a table with one key, such as {{ {example} = {{}} }}, got {_shown(value)}")
        )
        return None
    ((key, inner),) = value.items()
    if key not in variants:
        problems.append(Problem(f"{path}.{key}", _unknown(key, variants)))
        return None
    return _table(variants[key], inner, f"{path}.{key}", problems)


def _leaf(kind: Any, value: object, path: str, problems: list[Problem]) -> object:  # noqa: ANN401 - any annotation
    try:
        return _convert(kind, _expand(value))
    except (ValueError, msgspec.ValidationError) as error:
        message = str(error)
        inner = _MSGSPEC_PATH.search(message)
        problems.append(Problem(path + (inner[1] if inner else ""), _readable(message, kind, value)))
    except KeyError as error:
        problems.append(Problem(path, f"the environment variable {error.args[0]} is not set; set it"))
    return None


def _convert(kind: Any, value: object) -> object:  # noqa: ANN401 - any annotation
    if hasattr(kind, "parse"):
        if isinstance(value, list | dict):
            raise ValueError(f"expected text, got {_shown(value)}")
        return kind.parse(str(value))  # refuses a number without its unit, with an example
    return msgspec.convert(value, kind)


def _expand(value: object) -> object:
    if isinstance(value, str):
        return _VARIABLE.sub(lambda found: os.environ[found[1]], value)
    if isinstance(value, list):
        return [_expand(item) for item in value]
    if isinstance(value, dict):
        return {key: _expand(item) for key, item in value.items()}
    return value


def _readable(message: str, kind: Any, value: object) -> str:  # noqa: ANN401 - any annotation
    if get_origin(kind) is Literal:
        choices = [str(choice) for choice in get_args(kind)]
        return f"expected one of {', '.join(choices)}, got {_shown(value)}{_nearest(str(value), choices)}"
    text = _GOT_TYPE.sub("", _MSGSPEC_PATH.sub("", message))
    text = _TYPE.sub(lambda found: _WORDS.get(found[1], found[1]), text).replace(" | ", " or ").replace("`", "")
    text = text[0].lower() + text[1:]
    return text if "got" in text else f"{text}, got {_shown(value)}"


def _unknown(key: str, known: Iterable[str]) -> str:
    return f"unknown key{_nearest(key, known) or '; known here: ' + ', '.join(known)}"


def _nearest(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value) if isinstance(value, date | time) else repr(value)
    limit = 60
    return text if len(text) <= limit else f"{text[:limit]}…"


class ConfigError(Exception):
    """An unusable configuration. Its `str()` has one line for each problem."""

    def __init__(self, source: str, problems: list[Problem]) -> None:
        super().__init__("\n".join(f"{source}: {problem}" for problem in problems))
        self.source = source
        self.problems = problems
