from collectors.logs.stages.logfmt import LogfmtConfig
from tests.collectors.logs.stages.conftest import After


def test_takes_bare_and_quoted_values(after: After) -> None:
    stage = LogfmtConfig(fields={"level": "level", "text": "msg", "empty": "empty", "none": "none"})
    (entry,) = after([stage], r'level=warn msg="a \"b\" c\n=d" empty= time=2026')

    assert entry.fields == {"level": "warn", "text": 'a "b" c\n=d', "empty": ""}


def test_a_line_without_pairs_passes(after: After) -> None:
    plain, pair = after([LogfmtConfig(fields=["a"])], b"no pairs \xff", "a=1")

    assert (plain.line, plain.fields, pair.fields) == (b"no pairs \xff", {}, {"a": "1"})


def test_quoted_values_are_unquoted_as_go_does(after: After) -> None:
    line = r'a="\u00e9 \x1b \xe5\xae\xbf \377" b="\U0001F600 \ud83d\ude00 \ud800" c="\a\b\f\v\/\q" d="\"\\"'
    (entry,) = after([LogfmtConfig(fields=list("abcd"))], line)

    assert entry.fields == {"a": "é \x1b 宿 \ufffd", "b": "😀 😀 \ufffd", "c": "\a\b\f\v/q", "d": '"\\'}


def test_colours_hide_no_pair(after: After) -> None:
    (entry,) = after([LogfmtConfig(fields=["level"])], "\x1b[36mlevel\x1b[0m=info")

    assert entry.fields == {"level": "info"}
