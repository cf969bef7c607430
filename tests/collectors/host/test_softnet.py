from __future__ import annotations

from collectors.host.softnet import families
from tests.collectors.host.support import Tree, samples_of

SOFTNET = "00008e78 00000001 00000011 00000000 0 0 0 0 0 0\n000002df 00000000 00000005 00000000 0 0 0 0 0 0\n"


def test_each_line_is_a_processor_and_hexadecimal(tree: Tree) -> None:
    found = families(tree({"proc/net/softnet_stat": SOFTNET}))

    assert samples_of(found, "node_softnet_processed_total") == {("0",): 0x8E78, ("1",): 0x2DF}
    assert samples_of(found, "node_softnet_dropped_total") == {("0",): 1, ("1",): 0}
    assert samples_of(found, "node_softnet_times_squeezed_total") == {("0",): 0x11, ("1",): 5}
