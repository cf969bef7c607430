from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.exposition.formats import Encoding, Format
from agent.exposition.negotiate import choose_encoding, choose_format

OM = Format.OPENMETRICS
DRAFT = Format.OPENMETRICS_DRAFT
TEXT = Format.TEXT

PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, TEXT),
        ("", TEXT),
        ("*/*", TEXT),
        ("text/plain", TEXT),
        ("text/*", TEXT),
        ("TEXT/PLAIN; VERSION=0.0.4", TEXT),
        ("text/plain; charset=utf-8", TEXT),
        ("application/openmetrics-text", OM),
        ("application/*", OM),
        ("application/openmetrics-text; version=1.0.0; charset=utf-8", OM),
        ('application/openmetrics-text; version="1.0.0"', OM),
        ("application/openmetrics-text; version=0.0.1", DRAFT),
        ("application/openmetrics-text; version=2.0.0", TEXT),
        ("application/openmetrics-text;version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", DRAFT),
        (PROMETHEUS_3, OM),
        ("application/openmetrics-text;q=0.3, text/plain;q=0.7", TEXT),
        ("application/openmetrics-text;q=0.7, text/plain;q=0.3", OM),
        ("application/openmetrics-text;q=0.7, */*;q=0.8", TEXT),
        ("text/plain;q=0.5, text/plain;version=0.0.4;q=0.1, application/openmetrics-text;q=0.2", OM),
        ("text/plain;q=0, */*", OM),
        ("*/*;q=0.5, application/openmetrics-text;q=0", TEXT),
        ("text/plain, application/openmetrics-text", TEXT),
        ("application/openmetrics-text, text/plain", OM),
        ("*/*, application/openmetrics-text", OM),
        ("application/vnd.google.protobuf", TEXT),
        ("text/plain;version=1.0.0, application/openmetrics-text;q=0.1", OM),
        ("text/html;q=1, image/png", TEXT),
        ("*/*;q=0", TEXT),
        ("application/openmetrics-text;q=abc, text/plain;q=0.1", TEXT),
        ("application/openmetrics-text;q=7", TEXT),
        ("application/openmetrics-text;q=nan", TEXT),
        (";;;,,,/;q", TEXT),
        ("openmetrics-text", TEXT),
        ("x/y," * 100_000 + "application/openmetrics-text", TEXT),
    ],
)
def test_the_format_that_is_liked_best_is_chosen(accept: str | None, expected: Format) -> None:
    chosen = choose_format(accept)

    assert expected == chosen


@pytest.mark.parametrize(
    ("accept_encoding", "expected"),
    [
        (None, Encoding.IDENTITY),
        ("", Encoding.IDENTITY),
        ("gzip", Encoding.GZIP),
        ("GZip", Encoding.GZIP),
        ("gzip, deflate, br", Encoding.GZIP),
        ("deflate, br", Encoding.IDENTITY),
        ("*", Encoding.GZIP),
        ("*;q=0", Encoding.IDENTITY),
        ("gzip;q=0", Encoding.IDENTITY),
        ("gzip;q=0, *", Encoding.IDENTITY),
        ("gzip;q=0.1", Encoding.GZIP),
        ("gzip;q=0.1, identity;q=0.5", Encoding.IDENTITY),
        ("gzip;q=0.5, identity;q=0.5", Encoding.GZIP),
        ("gzip;q=0.5, *;q=0.8", Encoding.IDENTITY),
        ("identity", Encoding.IDENTITY),
        ("identity;q=0", Encoding.GZIP),
        ("identity;q=0, gzip;q=0", Encoding.IDENTITY),
        ("gzip;q=x", Encoding.IDENTITY),
        ("br," * 100_000 + "gzip", Encoding.IDENTITY),
    ],
)
def test_the_encoding_that_is_liked_best_is_chosen(accept_encoding: str | None, expected: Encoding) -> None:
    chosen = choose_encoding(accept_encoding)

    assert expected == chosen


@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from('text/plain;,q=0.5*"\\ '))))
def test_no_header_raises(header: str) -> None:
    assert choose_format(header) in Format
    assert choose_encoding(header) in Encoding


def test_content_types_are_exact() -> None:
    assert TEXT == "text/plain; version=0.0.4; charset=utf-8"
    assert OM == "application/openmetrics-text; version=1.0.0; charset=utf-8"
