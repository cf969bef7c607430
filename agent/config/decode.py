"""The conversion of plain data from a file into typed structs. It reports every problem with its key's full path.

The structs own the keys. msgspec converts and checks each value. It stops at the first error, so this module walks over
the keys itself.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_args, get_origin

import msgspec

StructT = TypeVar("StructT", bound=msgspec.Struct)

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_MSGSPEC_PATH = re.compile(r" - at `\$(.*)`$")


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem of a configuration: the key's full path, the value expected and the value found."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


def decode(kind: type[StructT], data: Mapping[str, object]) -> tuple[StructT | None, list[Problem]]:
    """Convert `data` to a `kind`, or return every problem.

    A type with a class method `parse(text)` is read from a string. A type with `variants()` is read from a table whose
    only key names the variant. In every string, `${NAME}` is replaced by that environment variable.

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
    if len(problems) > before:
        return None
    try:
        return kind(**values)
    except ValueError as error:  # the struct refuses a combination of keys
        problems.append(Problem(where, str(error)))
        return None


def _value(kind: Any, value: object, path: str, problems: list[Problem]) -> object:  # noqa: ANN401 - any annotation
    if hasattr(kind, "variants"):
        return _variant(kind.variants(), value, path, problems)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return _table(kind, value, path, problems)
    container = get_origin(kind)
    if isinstance(value, list) and container in {list, tuple, frozenset}:
        item = get_args(kind)[0]
        return container(_value(item, one, f"{path}[{index}]", problems) for index, one in enumerate(value))
    return _leaf(kind, value, path, problems)


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
    text = _MSGSPEC_PATH.sub("", message).replace("`", "")
    text = text[0].lower() + text[1:]
    return text if "got" in text else f"{text}, got {_shown(value)}"


def _unknown(key: str, known: Iterable[str]) -> str:
    return f"unknown key{_nearest(key, known) or '; known here: ' + ', '.join(known)}"


def _nearest(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _shown(value: object) -> str:
    text = repr(value)
    limit = 60
    return text if len(text) <= limit else f"{text[:limit]}…"


class ConfigError(Exception):
    """An unusable configuration. Its `str()` has one line for each problem."""

    def __init__(self, source: str, problems: list[Problem]) -> None:
        super().__init__("\n".join(f"{source}: {problem}" for problem in problems))
        self.source = source
        self.problems = problems
