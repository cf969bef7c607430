from __future__ import annotations

import pytest

from collectors.host.selinux import families, parse_config
from tests.collectors.host.support import Tree


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        ("# SELINUX=permissive\nSELINUX=enforcing\nSELINUXTYPE=targeted\n", 1),
        ("SELINUX = permissive\n", 0),
        ("SELINUX=disabled\n", -1),
        ("", -1),
    ],
)
def test_the_configured_mode_is_a_number(text: str, mode: int) -> None:
    assert parse_config(text) == mode


def test_a_machine_without_it_says_so(tree: Tree) -> None:
    assert [(family.name, family.samples[()]) for family in families(tree({}))] == [("node_selinux_enabled", 0)]


def test_both_modes_are_there_where_it_guards(tree: Tree) -> None:
    root = tree({"sys/fs/selinux/enforce": "0", "etc/selinux/config": "SELINUX=enforcing\n"})

    assert {family.name: family.samples[()] for family in families(root)} == {
        "node_selinux_enabled": 1,
        "node_selinux_config_mode": 1,
        "node_selinux_current_mode": 0,
    }
