from __future__ import annotations

from collectors.host.entropy import families
from tests.collectors.host.support import Tree, samples_of


def test_both_gauges_are_in_bits(tree: Tree) -> None:
    random = "proc/sys/kernel/random"
    found = families(tree({f"{random}/entropy_avail": "251\n", f"{random}/poolsize": "256\n"}))

    assert samples_of(found, "node_entropy_available_bits") == {(): 251}
    assert samples_of(found, "node_entropy_pool_size_bits") == {(): 256}
