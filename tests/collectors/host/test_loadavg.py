from __future__ import annotations

import pytest

from collectors.host.loadavg import families, parse
from tests.collectors.host.support import Tree


def test_parse_takes_the_three_averages() -> None:
    assert parse("0.21 0.37 0.39 1/719 19737\n") == (0.21, 0.37, 0.39)


def test_parse_shows_what_it_does_not_know() -> None:
    with pytest.raises(ValueError, match=r"0\.21 0\.37"):
        parse("0.21 0.37\n")


def test_families_are_named_by_their_minutes(tree: Tree) -> None:
    root = tree({"proc/loadavg": "0.21 0.37 0.39 1/719 19737\n"})

    assert [(family.name, family.help, family.samples) for family in families(root)] == [
        ("node_load1", "1m load average.", {(): 0.21}),
        ("node_load5", "5m load average.", {(): 0.37}),
        ("node_load15", "15m load average.", {(): 0.39}),
    ]
