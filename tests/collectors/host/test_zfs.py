from __future__ import annotations

import pytest

from collectors.host.zfs import families
from tests.collectors.host.support import Tree, samples_of

ZFS = "proc/spl/kstat/zfs"
KSTAT = "13 1 0x01 3 816 1 2\nname                            type data\n"


@pytest.mark.parametrize("state", ["ONLINE", "DEGRADED", "SUSPENDED", "SPLIT"])
def test_a_pool_has_its_state_also_where_it_is_not_in_the_table(tree: Tree, state: str) -> None:
    found = samples_of(families(tree({f"{ZFS}/tank/state": f"{state}\n"})), "node_zfs_zpool_state")

    assert [labels for labels, value in found.items() if value] == [("tank", state.lower())]
    assert ("tank", "online") in found


def test_numbers_may_have_a_sign(tree: Tree) -> None:
    text = f"{KSTAT}hash_elements 4 12\nneeds_free 3 -5\nname_of 7 text\n"
    found = families(tree({f"{ZFS}/arcstats": text, f"{ZFS}/dbufstats": text}))

    assert samples_of(found, "node_zfs_arc_needs_free") == {(): -5}
    assert samples_of(found, "node_zfs_dbuf_hash_elements") == {(): 12}


def test_data_sets_without_a_name_do_not_replace_one_another(tree: Tree) -> None:
    text = f"{KSTAT}writes 4 "
    found = families(tree({f"{ZFS}/tank/objset-0x1": f"{text}1\n", f"{ZFS}/tank/objset-0x2": f"{text}2\n"}))

    assert samples_of(found, "node_zfs_zpool_dataset_writes") == {("tank", "objset-0x1"): 1, ("tank", "objset-0x2"): 2}
