from collections.abc import Sequence

import pytest

from collectors.logs.pipeline import Pipeline
from collectors.logs.records import Batch, Processed
from collectors.logs.stages.config import StageConfig
from collectors.logs.stages.drop import DropConfig
from collectors.logs.stages.json import JsonConfig
from collectors.logs.stages.labels import LabelsConfig
from collectors.logs.stages.output import OutputConfig
from collectors.logs.stages.patterns import Pattern
from collectors.logs.stages.redact import RedactConfig
from collectors.logs.stages.sample import SampleConfig
from collectors.logs.stages.structured_metadata import StructuredMetadataConfig
from collectors.logs.stages.truncate import TruncateConfig
from collectors.units import Size


def process(stages: Sequence[StageConfig], *lines: bytes) -> Processed:
    return Pipeline("s", stages).process(Batch("s", list(lines), 1, {}))


def texts(processed: Processed) -> list[bytes]:
    return [line for stream in processed.streams for line in stream.lines if isinstance(line, bytes)]


def test_drop_leaves_out_what_matches_and_counts_it() -> None:
    processed = process([DropConfig(pattern=Pattern("/health"), reason="health")], b"/health a", b"b", b"c /health")

    assert (texts(processed), processed.dropped, processed.consumed) == ([b"b"], {"health": 2}, 3)


def test_drop_looks_at_a_field() -> None:
    stages = [JsonConfig(fields=["a"]), DropConfig(pattern=Pattern("^x$"), field="a")]
    processed = process(stages, b'{"a":"x"}', b'{"a":"xx"}', b"x")

    assert texts(processed) == [b'{"a":"xx"}', b"x"]


def test_redact_reaches_the_line_and_all_that_was_taken_out_of_it() -> None:
    stages = [
        JsonConfig(fields=["k"]),
        LabelsConfig(fields=["k"]),
        StructuredMetadataConfig(fields=["k"]),
        RedactConfig(pattern=Pattern(r"(token=)\w+"), replacement=r"\1***"),
    ]
    (stream,) = process(stages, b'{"k":"token=abc \xc3\xa4"}').streams

    assert b"abc" not in stream.lines[0]
    assert "abc" not in repr(stream)


def test_redact_keeps_bytes_that_are_no_text() -> None:
    assert texts(process([RedactConfig(pattern=Pattern("b+"))], b"\xffabb\xfe\x00")) == [b"\xffa***\xfe\x00"]


def test_redact_sends_nothing_of_a_long_line_that_it_did_not_search() -> None:
    (line,) = texts(process([RedactConfig(pattern=Pattern(r"\w+@"))], b"a" * 100_000 + b" secret@"))

    assert len(line) <= 16_384
    assert b"secret" not in line
    assert line.endswith(b"100008 bytes]")


def test_drop_looks_at_the_beginning_of_a_long_line() -> None:
    lines = [b"x" * 100_000, b"health " + b"x" * 100_000]

    assert texts(process([DropConfig(pattern=Pattern("health|x+$"))], *lines)) == lines[:1]


def test_a_replacement_that_does_not_fit_is_told() -> None:
    with pytest.raises(ValueError, match="groups of the pattern"):
        RedactConfig(pattern=Pattern("x"), replacement=r"\2")


def test_sample_keeps_its_share_and_always_the_same() -> None:
    lines = [b"line %d" % number for number in range(2000)]
    once, again = (texts(process([SampleConfig(ratio=0.25)], *lines)) for _ in range(2))
    part = texts(process([SampleConfig(ratio=0.25)], *lines[1000:]))

    assert once == again
    assert 400 < len(once) < 600
    assert part == [line for line in once if line in set(lines[1000:])]


def test_sample_keeps_entries_of_one_value_together_and_those_without() -> None:
    lines = [b'{"t":"%d"}' % (number % 10) for number in range(100)]
    kept = texts(process([JsonConfig(fields=["t"]), SampleConfig(ratio=0.5, field="t")], *lines, b"{}"))

    assert {kept.count(line) for line in set(kept)} == {10, 1}
    assert kept[-1] == b"{}"


@pytest.mark.parametrize(("ratio", "kept"), [(0, 0), (1, 100)])
def test_sample_of_nothing_and_of_all(ratio: float, kept: int) -> None:
    processed = process([SampleConfig(ratio=ratio)], *(b"%d" % number for number in range(100)))

    assert len(texts(processed)) == kept
    assert processed.dropped.total() == 100 - kept


def test_truncate_marks_what_it_shortens_at_a_whole_character() -> None:
    short, long = texts(process([TruncateConfig(max_size=Size(64))], b"x" * 64, "ä".encode() * 50))

    assert short == b"x" * 64
    assert 60 <= len(long) <= 64
    assert long.decode().endswith("ä …[truncated, 100 bytes]")


def test_truncate_tells_the_true_size_of_a_line_that_the_reader_cut() -> None:
    batch = Batch("s", [b"x" * 100], 1, {}, true_bytes=3_000_000)
    (line,) = texts(Pipeline("s", [TruncateConfig(max_size=Size(64))]).process(batch))

    assert line.decode().endswith(" …[truncated, 3000000 bytes]")
    assert len(line) <= 64


@pytest.mark.parametrize("character", ["a", "ä", "♯", "𝄞"])
def test_truncate_cuts_no_character_wherever_it_falls(character: str) -> None:
    lines = [("x" * shift + character * 100).encode() for shift in range(4)]

    for shift, line in enumerate(texts(process([TruncateConfig(max_size=Size(64))], *lines))):
        assert len(line) <= 64
        assert line.decode().startswith("x" * shift + character * 8)


def test_every_line_is_within_lokis_limit() -> None:
    fits, huge = texts(process([], b"x" * 262_144, b"\x80" * 1_000_000))

    assert fits == b"x" * 262_144
    assert len(huge) <= 262_144
    assert "1000000 bytes" in huge.decode("utf-8", "ignore")


@pytest.mark.parametrize("size", [10, 300_000])
def test_a_limit_that_makes_no_sense_is_told(size: int) -> None:
    with pytest.raises(ValueError, match="256KiB"):
        TruncateConfig(max_size=Size(size))


def test_output_sends_the_field_and_keeps_lines_without_it() -> None:
    stages = [JsonConfig(fields=["message"]), OutputConfig(field="message")]

    assert texts(process(stages, b'{"message":"hi \xe2\x99\xaf"}', b"plain")) == ["hi ♯".encode(), b"plain"]
