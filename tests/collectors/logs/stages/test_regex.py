import pytest

from collectors.logs.stages.patterns import Pattern
from collectors.logs.stages.regex import RegexConfig
from tests.collectors.logs.stages.conftest import After


def test_takes_the_named_groups(after: After) -> None:
    stage = RegexConfig(pattern=Pattern(r"^(?P<level>[A-Z]+): (?P<text>.*?)(?P<more>!)?$"))
    found, other = after([stage], "WARN: tuning ♯", "nothing here")

    assert found.fields == {"level": "WARN", "text": "tuning ♯"}
    assert other.fields == {}


def test_searches_a_field(after: After) -> None:
    entries = after(
        [
            RegexConfig(pattern=Pattern("path=(?P<path>.*)")),
            RegexConfig(pattern=Pattern(r"\.(?P<kind>\w+)$"), field="path"),
        ],
        "path=/a.wav",
        "else.mp3",
    )

    assert [entry.fields.get("kind") for entry in entries] == ["wav", None]


def test_a_pattern_that_extracts_nothing_is_told() -> None:
    with pytest.raises(ValueError, match=r"\(\?P<level>"):
        RegexConfig(pattern=Pattern("x"))
