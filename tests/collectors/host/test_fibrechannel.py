from __future__ import annotations

from collectors.host.fibrechannel import families
from tests.collectors.host.support import Tree, samples_of

HOST = "sys/class/fc_host/host0"


def test_a_counter_that_the_adapter_lacks_is_left_out(tree: Tree) -> None:
    root = tree(
        {
            f"{HOST}/port_state": "Online\n",
            f"{HOST}/port_id": "0x000002\n",
            f"{HOST}/statistics/rx_frames": "0x10\n",
            f"{HOST}/statistics/tx_frames": "0xffffffffffffffff\n",
        }
    )
    found = families(root)

    assert samples_of(found, "node_fibrechannel_rx_frames_total") == {("host0",): 16}
    assert samples_of(found, "node_fibrechannel_tx_frames_total") == {}
    ((labels, _),) = samples_of(found, "node_fibrechannel_info").items()
    assert labels[:5] == ("host0", "", "Online", "", "000002")
