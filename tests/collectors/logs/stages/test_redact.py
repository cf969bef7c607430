import pytest

from collectors.logs.stages.json import JsonConfig
from collectors.logs.stages.labels import LabelsConfig
from collectors.logs.stages.patterns import Pattern
from collectors.logs.stages.redact import RedactConfig
from collectors.logs.stages.structured_metadata import StructuredMetadataConfig
from tests.support.log_stages import process, texts


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


def test_a_replacement_that_does_not_fit_is_told() -> None:
    with pytest.raises(ValueError, match="groups of the pattern"):
        RedactConfig(pattern=Pattern("x"), replacement=r"\2")
