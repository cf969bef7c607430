"""Windows of a file, cut into lines."""

from typing import Any

import pytest

from collectors.logs.files.lines import MOST_LINES, Cut, cut, shortened

PLAIN: dict[str, Any] = {"full": False, "mid_line": False, "skipping": False, "ended": False}


@pytest.mark.parametrize(
    ("window", "more", "expected"),
    [
        (b"", {}, Cut(0, [])),
        (b"a\nb\n", {}, Cut(0, [b"a", b"b"], 4)),
        (b"a\nb", {}, Cut(0, [b"a"], 2)),
        (b"a\nb", {"ended": True}, Cut(0, [b"a", b"b"], 3)),
        (b"b", {"ended": True}, Cut(0, [b"b"], 1)),
        (b"a\r\n", {}, Cut(0, [b"a\r"], 3, untidy=True)),
        (b"\xef\xbb\xbfa\n", {}, Cut(0, [b"\xef\xbb\xbfa"], 5, untidy=True)),
        (b"\0\0a\n", {}, Cut(2, [b"a"], 4, untidy=True)),
        (b"\0\0", {}, Cut(0, [])),
        (b"\0\0", {"full": True}, Cut(2, [], 2)),
        (b"a\n\0\0", {"ended": True}, Cut(0, [b"a"], 2, untidy=True)),
        (b"\na\n", {"mid_line": True}, Cut(1, [b"a"], 3)),
        (b"\r\na\n", {"mid_line": True}, Cut(2, [b"a"], 4, untidy=True)),
        (b"xxxx", {"full": True}, Cut(0, [b"xxxx"], 4, skipping=True)),
        (b"xxxx", {"full": True, "skipping": True}, Cut(4, [], 4, skipping=True)),
        (b"xx\na\n", {"skipping": True}, Cut(3, [b"a"], 5)),
        (b"xx\n", {"skipping": True}, Cut(3, [], 3)),
    ],
)
def test_a_window_is_cut(window: bytes, more: dict[str, Any], expected: Cut) -> None:
    assert cut(window, **PLAIN | more) == expected


def test_the_length_of_some_lines_is_that_of_their_bytes() -> None:
    found = cut(b"\0first\nsecond\nrest", **PLAIN | {"ended": True})

    assert [found.length_of(count) for count in (1, 2, 3)] == [7, 14, 18]


def test_a_window_of_many_lines_is_shortened_to_whole_lines() -> None:
    few = b"x\n" * MOST_LINES

    assert shortened(few) == few
    assert shortened(few + b"rest") == few + b"rest"
    assert shortened(few + b"\nrest") == few
    assert shortened(b"\n" * 500_000) == b"\n" * MOST_LINES
