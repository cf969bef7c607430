from typing import Literal

import pytest

from collectors.logs.stages.json import JsonConfig
from collectors.logs.stages.level import LevelConfig
from tests.collectors.logs.stages.conftest import After


def levels(after: After, *values: object, numbers: Literal["auto", "python"] = "auto") -> list[str]:
    entries = after([JsonConfig(fields=["level"]), LevelConfig(numbers=numbers)], *(f'{{"level":{v}}}' for v in values))
    return [entry.fields["level"] for entry in entries]


@pytest.mark.parametrize(
    ("level", "names"),
    [
        ("trace", ["trace", "FINEST", "10"]),
        ("debug", ["Debug", "D", "dbg", "7", "20", "DEBUG2"]),
        ("info", ["INFO", "i", "notice", "LOG", "5", "6", "30"]),
        ("warn", ["warning", "W", "[WARN]", "4", "40"]),
        ("error", ["error", "err", "E", "50", "SEVERE", " Error: ", "3"]),
        ("critical", ["FATAL", "panic", "crit", "emerg", "60", "0"]),
        ("unknown", ["", "loud", "99", "x" * 10_000]),
    ],
)
def test_brings_names_and_numbers_to_one(after: After, level: str, names: list[str]) -> None:
    assert levels(after, *(f'"{name}"' for name in names)) == [level] * len(names)


def test_numbers_may_be_numbers_and_pythons(after: After) -> None:
    assert levels(after, 50, 3, 40) == ["error", "error", "warn"]
    assert levels(after, 50, 40, 30, numbers="python") == ["critical", "error", "warn"]


def test_what_has_no_level_is_unknown(after: After) -> None:
    assert levels(after, "null", "[]", "true") == ["unknown"] * 3
