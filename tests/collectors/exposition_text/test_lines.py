from __future__ import annotations

import math

import pytest

from collectors.exposition_text.lines import (
    OPENMETRICS,
    TEXT,
    Comment,
    MalformedError,
    Syntax,
    parse_comment,
    parse_number,
    parse_sample,
    to_float,
)


@pytest.mark.parametrize(
    ("line", "name", "labels"),
    [
        (b"a 1", "a", ()),
        (b"a:b_c\t1", "a:b_c", ()),
        (b'a { y = "2" , x="1" , } 1', "a", (("x", "1"), ("y", "2"))),
        (b'a{,x="1"} 1', "a", (("x", "1"),)),
        (b'a{x="",y="\\"\\\\\\n}{,="}1', "a", (("y", '"\\\n}{,='),)),
        (b'{"a b",x="1"} 1', "a b", (("x", "1"),)),
        (b'a{"x.y"="1"} 1', "a", (("x.y", "1"),)),
    ],
)
def test_a_sample_of_text_is_read(line: bytes, name: str, labels: tuple[tuple[str, str], ...]) -> None:
    sample = parse_sample(line)

    assert (sample.name, sample.labels) == (name, labels)
    assert line == sample.prefix + b"1"


@pytest.mark.parametrize("line", [b"a  1", b" a 1", b"a\t1", b'a {x="1"} 1', b'a{x="1"}1', b'a{,x="1"} 1', b"{} 1"])
def test_openmetrics_has_single_blanks(line: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_number(line[len(parse_sample(line, OPENMETRICS).prefix) :], OPENMETRICS)


@pytest.mark.parametrize("syntax", [TEXT, OPENMETRICS])
@pytest.mark.parametrize(
    ("tail", "number"),
    [
        (b"1", 1), (b"-2.5e3", -2500), (b".5", 0.5), (b"5.", 5), (b"+Inf", math.inf), (b"-infinity", -math.inf),
        (b"7 1700000000", 7), (b"7 1700000000.5", 7), (b'7 # {x="}"} 2', 7), (b"7 1 # {} 2 3", 7),
    ],
)  # fmt: skip
def test_a_number_may_have_a_timestamp_and_an_exemplar(tail: bytes, number: float, syntax: Syntax) -> None:
    assert parse_number(tail, syntax) == number


@pytest.mark.parametrize("syntax", [TEXT, OPENMETRICS])
@pytest.mark.parametrize(
    "tail",
    [b"", b"x", b"1_0", b"0x1", b"1 x", b"1 2 3", b"1 NaN", b"1 #", b"1 # {}", b"1 # {} x", b"1 # {x=1} 1",
     b"1 # {} 1 2 3", b"\xd9\xa1"],
)  # fmt: skip
def test_other_words_after_a_number_are_refused(tail: bytes, syntax: Syntax) -> None:
    with pytest.raises(MalformedError):
        parse_number(tail, syntax)


def test_no_number_is_a_number() -> None:
    assert math.isnan(to_float(b"NaN"))


@pytest.mark.parametrize(
    ("line", "comment"),
    [
        (b"#", None),
        (b"# a remark", None),
        (b"# TYPES a counter", None),
        (b"# TYPE", None),
        (b"# TYPE a", None),
        (b"#TYPE a counter", Comment("TYPE", "a", "counter")),
        (b"#\tTYPE\ta  \tcounter", Comment("TYPE", "a", "counter")),
        (b"# HELP a", Comment("HELP", "a", "")),
        (b"# HELP a  Two \\\\ and\\n three", Comment("HELP", "a", "Two \\ and\n three")),
        (b'# TYPE "a b" gauge', Comment("TYPE", "a b", "gauge")),
    ],
)
def test_a_comment_of_text_may_be_about_a_family(line: bytes, comment: Comment | None) -> None:
    assert parse_comment(line) == comment


@pytest.mark.parametrize("line", [b"# TYPE a-b counter", b"# HELP 1 one", b'# TYPE "a counter'])
def test_a_comment_about_no_name_is_refused(line: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_comment(line)


@pytest.mark.parametrize("line", [b"# a remark", b"#TYPE a gauge", b"# TYPE a", b"#\tTYPE a gauge", b"#"])
def test_openmetrics_has_no_other_comments(line: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_comment(line, OPENMETRICS)
    assert parse_comment(b"# UNIT a_seconds seconds", OPENMETRICS) == Comment("UNIT", "a_seconds", "seconds")
