from typing import Literal

import pytest

from collectors.logs.stages.config import Context
from collectors.logs.stages.entries import Entries
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


@pytest.mark.parametrize(
    ("level", "names"),
    [
        ("trace", ["trce", "VRB", "V/Tag"]),
        ("debug", ["DEBUG-4", "D2", ".", "<15>"]),
        (
            "info",
            ["INFO+2", "Note", "System", "<165>", "*", "mpm_event:notice", "I0412", "http", "6\n6"],
        ),
        ("warn", ["W1129", "PHP Warning", "E_WARNING", "#", "ssl:warn", "W/Tag", '["4","4"]']),
        ("error", ["core:error", "ERROR+8", "Parse error", "<3>", "fail", "[client] error", "\x1b[31mERROR\x1b[0m"]),
        ("critical", ["Fatal error", "PHP Fatal error", "crt", "FTL"]),
        ("unknown", ["-", "Level 3", "1.5", "6 3", "a sentence with the word error in it"]),
    ],
)
def test_knows_levels_as_real_programs_write_them(level: str, names: list[str]) -> None:
    entries = Entries(
        0, final=True, lines=[b""] * len(names), timestamps=[0] * len(names), consumed=0, constant_labels={}
    )
    entries.fields["level"] = list(names)

    LevelConfig().build(Context("s"))(entries)

    assert entries.fields["level"] == [level] * len(names)


def test_a_number_that_is_given_twice_is_known(after: After) -> None:
    assert levels(after, '["6","6"]', "[3,3]") == ["info", "error"]
