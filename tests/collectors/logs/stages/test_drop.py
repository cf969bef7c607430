from collectors.logs.stages.drop import DropConfig
from collectors.logs.stages.json import JsonConfig
from collectors.logs.stages.patterns import Pattern
from tests.support.log_stages import process, texts


def test_drop_leaves_out_what_matches_and_counts_it() -> None:
    processed = process([DropConfig(pattern=Pattern("/health"), reason="health")], b"/health a", b"b", b"c /health")

    assert (texts(processed), processed.dropped, processed.consumed) == ([b"b"], {"health": 2}, 3)


def test_drop_looks_at_a_field() -> None:
    stages = [JsonConfig(fields=["a"]), DropConfig(pattern=Pattern("^x$"), field="a")]
    processed = process(stages, b'{"a":"x"}', b'{"a":"xx"}', b"x")

    assert texts(processed) == [b'{"a":"xx"}', b"x"]


def test_drop_looks_at_the_beginning_of_a_long_line() -> None:
    lines = [b"x" * 100_000, b"health " + b"x" * 100_000]

    assert texts(process([DropConfig(pattern=Pattern("health|x+$"))], *lines)) == lines[:1]
