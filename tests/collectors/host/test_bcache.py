from __future__ import annotations

import pytest

from collectors.host.bcache import families, parse_number
from tests.collectors.host.support import Tree


@pytest.mark.parametrize(
    ("text", "number"),
    [("12", 12), ("1.0k", 1024), ("-2.0k", -2048), ("1.512k", 1024 + 51200), ("3G", 3 << 30), ("0", 0)],
)
def test_numbers_are_as_bcache_prints_them(text: str, number: int) -> None:
    assert parse_number(text) == number


def test_another_form_is_shown() -> None:
    with pytest.raises(ValueError, match="'n/a'"):
        parse_number("n/a")


def test_a_machine_without_it_has_none(tree: Tree) -> None:
    assert families(tree({})) == []
