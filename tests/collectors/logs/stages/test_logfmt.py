from collectors.logs.stages.logfmt import LogfmtConfig
from tests.collectors.logs.stages.conftest import After


def test_takes_bare_and_quoted_values(after: After) -> None:
    stage = LogfmtConfig(fields={"level": "level", "text": "msg", "empty": "empty", "none": "none"})
    (entry,) = after([stage], r'level=warn msg="a \"b\" c\n=d" empty= time=2026')

    assert entry.fields == {"level": "warn", "text": 'a "b" c\n=d', "empty": ""}


def test_a_line_without_pairs_passes(after: After) -> None:
    plain, pair = after([LogfmtConfig(fields=["a"])], b"no pairs \xff", "a=1")

    assert (plain.line, plain.fields, pair.fields) == (b"no pairs \xff", {}, {"a": "1"})
