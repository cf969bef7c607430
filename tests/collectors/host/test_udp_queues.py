from __future__ import annotations

import pytest

from collectors.host.udp_queues import families, parse
from tests.collectors.host.support import Tree, samples_of

UDP = """\
   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
    0: 00000000:0016 00000000:0000 0A 00000015:00000000 00:00000000 00000000     0        0 2740 1 ffff 0
   21: 00000000:0017 00000000:0000 0A 00000001:0000000A 00:00000000 00000000     0        0 2741 1 ffff 0
"""


def test_queues_are_added_up() -> None:
    assert parse(UDP) == (0x16, 0xA)
    assert parse(UDP.splitlines()[0]) == (0, 0)


def test_a_kernel_without_ipv6_has_the_other(tree: Tree) -> None:
    found = families(tree({"proc/net/udp": UDP}))

    assert samples_of(found, "node_udp_queues") == {("tx", "v4"): 0x16, ("rx", "v4"): 0xA}


def test_a_kernel_without_either_has_no_such_thing(tree: Tree) -> None:
    with pytest.raises(FileNotFoundError):
        families(tree({}))
