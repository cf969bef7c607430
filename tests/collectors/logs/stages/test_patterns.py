import re
import time
import tomllib
from pathlib import Path

import pytest

from collectors.logs.pipeline import Pipeline
from collectors.logs.records import Batch
from collectors.logs.stages.config import StageConfig
from collectors.logs.stages.drop import DropConfig
from collectors.logs.stages.multiline import MultilineConfig
from collectors.logs.stages.patterns import MOST_REPLACEMENTS, Pattern
from collectors.logs.stages.redact import RedactConfig
from collectors.logs.stages.regex import RegexConfig

HOSTILE = [r"^(?P<x>(a+)+)$", r"(?P<x>(.*a){12})z", r"(?P<x>(a|a)*)b", r"(?P<x>[a-z]+[a-z0-9]+)@", r"(?P<x>a*a*a*a*)c"]
LINES = ["a" * 60 + "!", "[" * 4096, "a" * 4096, '"' * 4096, "a " * 2048, "1" * 4096, "\\" * 4096]


def shipped() -> list[str]:
    """Return the patterns of config.example.toml, those of commented sources among them."""
    text = Path("config.example.toml").read_text()
    lines = [it.removeprefix("# ") for it in text.splitlines()]
    found = [re.search(r"(?:pattern|first) = ('[^']+')", line) for line in lines]
    return [tomllib.loads(f"p = {it[1]}")["p"] for it in found if it]


def seconds(pattern: str, line: str) -> float:
    """Return the least processor time of a few searches for a pattern."""
    matcher, best = Pattern(pattern).compile(), 1e9
    for _ in range(7):
        began = time.thread_time()
        matcher.fields(line)
        best = min(best, time.thread_time() - began)
    return best


@pytest.mark.parametrize("pattern", [*HOSTILE, *shipped()])
def test_time_grows_with_the_length_alone(pattern: str) -> None:
    for line in LINES:
        short, long = seconds(pattern, line[:512]), seconds(pattern, line * 8)

        assert long < max(200 * short, 0.05), f"{line[:5]}…: {short:.6f} s and {long:.6f} s"


def test_there_are_shipped_patterns() -> None:
    assert len(shipped()) >= 3


@pytest.mark.parametrize(
    "stage",
    [
        RegexConfig(pattern=Pattern(r"^(?P<x>(a+)+)$")),
        DropConfig(pattern=Pattern("^(a+)+$")),
        RedactConfig(pattern=Pattern("^(a+)+$")),
        MultilineConfig(first=Pattern("(a+)+$")),
    ],
    ids=["regex", "drop", "redact", "multiline"],
)
def test_no_line_holds_up_any_stage(stage: StageConfig) -> None:
    line = b"a" * 60 + b"!"
    began = time.thread_time()
    (stream,) = Pipeline("s", [stage]).process(Batch("s", [line], time.time_ns(), {}, final=True)).streams

    assert stream.lines == [line]
    assert time.thread_time() - began < 1.0


def test_a_line_that_does_not_match_is_counted() -> None:
    pipeline = Pipeline("s", [RegexConfig(pattern=Pattern(r"^(?P<x>(a+)+)$"))])
    pipeline.process(Batch("s", [b"a" * 60 + b"!", b"aa"], time.time_ns(), {}, final=True))

    assert pipeline.families()[0].samples == {("s", "regex"): 1}


def test_groups_are_fields_and_text_is_unicode() -> None:
    matcher = Pattern(r"(?P<first>[♯♭])(x)?(?P<second>.)?\Z").compile()

    assert matcher.groups == ["first", "second"]
    assert matcher.fields("C♯") == ["♯", None]
    assert matcher.fields("♭ä") == ["♭", "ä"]
    assert matcher.fields("none") is None
    assert matcher.is_in("C♭")
    assert Pattern("ab").compile().begins("abc")
    assert not Pattern("b").compile().begins("abc")


def test_replacements() -> None:
    pattern = Pattern(r"(?P<name>pass)=(\S+)").compile()

    assert pattern.replacer("***")(b"x pass=1 pass=2 y") == b"x *** *** y"
    assert pattern.replacer(r"\1=…")(b"pass=1") == "pass=…".encode()
    assert pattern.replacer(r"\g<name>=?")(b"\xffpass=1") == b"\xffpass=?"
    assert pattern.replacer("***")(b"nothing") == b"nothing"
    with pytest.raises(ValueError, match="groups of the pattern"):
        pattern.replacer(r"\3")


def test_bytes_that_are_not_utf8_hide_no_secret() -> None:
    stage = RedactConfig(pattern=Pattern(r"pass=\S+"))
    batch = Batch("s", [b"\xff pass=abc\xffdef x", "♯ pass=ä".encode()], time.time_ns(), {}, final=True)
    (stream,) = Pipeline("s", [stage]).process(batch).streams

    assert stream.lines == [b"\xff *** x", "♯ ***".encode()]


def test_a_text_ends_after_very_many_replacements() -> None:
    cleaned = Pattern("x").compile().replacer("-")(b"x" * 10_000)

    assert cleaned == b"-" * (MOST_REPLACEMENTS + 1)


@pytest.mark.parametrize("text", ["(x", r"(a)\1", "(?=x)", "(?<!x)y", "a++", "(?>a)", "x{1001}", "[z-a]", "*"])
def test_what_re2_does_not_have_is_refused_with_the_reason(text: str) -> None:
    with pytest.raises(ValueError, match="RE2's syntax") as refused:
        Pattern.parse(text)

    assert repr(text) in str(refused.value)
