import gzip

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from collectors.logs.loki.encode import ENTRY_OVERHEAD, encode, spans
from collectors.logs.records import Stream
from tests.support.loki_body import Entry, decode


def stream(lines: list[str | bytes], metadata: list[dict[str, str] | None] | None = None) -> Stream:
    return Stream((("job", "x"), ("level", "info")), list(range(len(lines))), lines, metadata)


def sent(body: bytes) -> list[Entry]:
    (pushed,) = decode(body, "application/json", "gzip")
    assert pushed.labels == (("job", "x"), ("level", "info"))
    return pushed.entries


def test_a_body_has_the_form_that_loki_documents() -> None:
    body = encode(Stream((("job", "x"),), [1790000000000000007], [b"hello"], [{"user": "7"}]), 0, 1)

    assert msgspec.json.decode(gzip.decompress(body)) == {
        "streams": [{"stream": {"job": "x"}, "values": [["1790000000000000007", "hello", {"user": "7"}]]}]
    }


def test_only_the_entries_asked_for_are_in_it() -> None:
    assert [(it.ns, it.line) for it in sent(encode(stream(["a", "b", "c", "d"]), 1, 3))] == [(1, "b"), (2, "c")]


def test_entries_without_metadata_stand_beside_such_with() -> None:
    entries = sent(encode(stream(["a", "b"], [None, {"k": "v"}]), 0, 2))

    assert [it.metadata for it in entries] == [{}, {"k": "v"}]


def test_what_is_no_text_becomes_replacement_characters() -> None:
    broken: list[str | bytes] = [b"a\xff\xfeb", "c\ud800d", b"\x00\x1b[31m", "\U0001f3b9"]

    assert [it.line for it in sent(encode(stream(broken), 0, 4))] == ["a��b", "c�d", "\x00\x1b[31m", "\U0001f3b9"]


@given(st.lists(st.text(max_size=40) | st.binary(max_size=40)), st.integers(1, 200))
def test_spans_cover_each_entry_once_and_keep_the_limit(lines: list[str | bytes], limit: int) -> None:
    found = list(spans(stream(lines), limit))

    assert [index for span in found for index in range(*span)] == list(range(len(lines)))
    for start, stop in found:
        assert stop - start == 1 or sum(len(it) + ENTRY_OVERHEAD for it in lines[start:stop]) <= limit


def test_metadata_counts_for_the_size_of_a_span() -> None:
    heavy: dict[str, str] | None = {"key": "v" * 97}

    assert list(spans(stream(["a", "b"], [heavy, heavy]), 200)) == [(0, 1), (1, 2)]
    assert list(spans(stream(["a", "b"]), 200)) == [(0, 2)]
