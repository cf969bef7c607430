from __future__ import annotations

import pytest

from collectors.host.kernel_hung import families
from tests.collectors.host.support import Tree, samples_of


def test_hung_tasks_are_counted(tree: Tree) -> None:
    found = families(tree({"proc/sys/kernel/hung_task_detect_count": "3\n"}))

    assert samples_of(found, "node_kernel_hung_tasks_total") == {(): 3}


def test_a_kernel_that_does_not_count_them_has_no_such_thing(tree: Tree) -> None:
    with pytest.raises(FileNotFoundError):
        families(tree({}))
