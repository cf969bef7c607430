from __future__ import annotations

import pytest

from collectors.host.conntrack import families, parse
from tests.collectors.host.support import Tree, samples_of

# A kernel of its own order and without `ignore`; numbers are hexadecimal, a line a processor.
TABLE = "entries  found invalid insert search_restart\n00000003  0000000a 00000001 00000000 00000002\n"
TWO = TABLE + "00000003  00000006 00000000 00000000 00000001\n"


def test_processors_are_added_up() -> None:
    assert parse(TWO) == {"entries": 6, "found": 16, "invalid": 1, "insert": 0, "search_restart": 3}


def test_columns_are_known_by_their_names(tree: Tree) -> None:
    settings = "proc/sys/net/netfilter/nf_conntrack"
    found = families(
        tree({"proc/net/stat/nf_conntrack": TWO, f"{settings}_count": "123\n", f"{settings}_max": "65536\n"})
    )

    assert samples_of(found, "node_nf_conntrack_entries") == {(): 123}
    assert samples_of(found, "node_nf_conntrack_entries_limit") == {(): 65536}
    assert samples_of(found, "node_nf_conntrack_stat_found") == {(): 16}
    assert "node_nf_conntrack_stat_ignore" not in {family.name for family in found}


def test_a_machine_without_a_firewall_has_no_such_thing(tree: Tree) -> None:
    with pytest.raises(FileNotFoundError):
        families(tree({}))


def test_a_kernel_without_packet_counters_has_its_entries(tree: Tree) -> None:
    settings = "proc/sys/net/netfilter/nf_conntrack"
    found = families(tree({f"{settings}_count": "123\n", f"{settings}_max": "65536\n"}))

    assert {family.name for family in found} == {"node_nf_conntrack_entries", "node_nf_conntrack_entries_limit"}
