from collections import Counter

import pytest

from collectors.logs.loki.refused import as_bytes, refused_entries, without_metadata
from collectors.logs.records import Stream

OLDEST = "entry too far behind, oldest acceptable timestamp is: 1970-01-01T00:00:00Z"


def stream(
    *timestamps: int, lines: list[bytes | str] | None = None, metadata: list[dict[str, str] | None] | None = None
) -> Stream:
    return Stream((), list(timestamps), lines or [b"x"] * len(timestamps), metadata)


@pytest.mark.parametrize(
    ("reason", "count", "expected"),
    [("too_old", 2, [0, 2]), ("too_new", 1, [1]), ("too_old", 4, [0, 1, 2, 3]), ("unknown", 2, None)],
)
def test_entries_are_told_by_their_times(reason: str, count: int, expected: list[int] | None) -> None:
    found = refused_entries(stream(1, 9, 2, 5), range(4), Counter({reason: count}), "")

    assert (found if found is None else list(found)) == expected


def test_entries_of_one_time_cannot_be_told_apart() -> None:
    assert refused_entries(stream(1, 1, 5), range(3), Counter(too_old=1), "") is None


def test_several_reasons_cannot_be_told_apart() -> None:
    assert refused_entries(stream(1, 2), range(2), Counter(too_old=1, too_new=1), "") is None


def test_entries_far_behind_are_those_before_the_time_in_the_text() -> None:
    assert refused_entries(stream(-1, 3, 5), range(3), Counter(too_far_behind=1), OLDEST) == [0]
    assert refused_entries(stream(-1, 3, 5), range(3), Counter(too_far_behind=2), OLDEST) is None


def test_long_lines_are_those_above_the_size_in_the_text() -> None:
    given = stream(1, 2, lines=["ü" * 5, b"x" * 9])

    assert refused_entries(given, range(2), Counter(line_too_long=1), "max entry size '9' bytes exceeded") == [0]


def test_entries_with_metadata_are_told_apart() -> None:
    given = stream(1, 2, metadata=[{}, {"trace": "1"}])

    assert refused_entries(given, range(2), Counter(structured_metadata=1), "") == [1]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"a line", b'a line trace="42"'),
        ("ein Stück", 'ein Stück trace="42"'.encode()),
        (b'{"a":1}', b'{"a":1,"trace":"42"}'),
        (b"{}", b'{} trace="42"'),
        (b"trace 42 is here", b"trace 42 is here"),
    ],
)
def test_metadata_that_a_line_lacks_joins_it(line: str | bytes, expected: bytes) -> None:
    assert without_metadata(line, {"trace": "42"}) == expected


def test_a_lone_surrogate_is_replaced() -> None:
    assert as_bytes("\ud800") == b"?"
