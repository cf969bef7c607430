from __future__ import annotations

from collectors.host.xfs import families
from tests.collectors.host.support import Tree, samples_of


def test_a_line_is_known_by_its_name(tree: Tree) -> None:
    text = "new_line 1 2 3\nvnodes 4 5 6 7 8 9 10 0\nrw 28 11\nextent_alloc 92447 97589 92448 93751\n"
    found = families(tree({"sys/fs/xfs/sda1/stats/stats": text, "sys/fs/xfs/debug/bug_on_assert": "1\n"}))

    assert samples_of(found, "node_xfs_vnode_remove_total") == {("sda1",): 10}
    assert samples_of(found, "node_xfs_read_calls_total") == {("sda1",): 11}
    assert samples_of(found, "node_xfs_extent_allocation_blocks_freed_total") == {("sda1",): 93751}
    assert samples_of(found, "node_xfs_directory_operation_lookup_total") == {}


def test_a_machine_without_xfs_has_no_families(tree: Tree) -> None:
    assert families(tree({})) == []
