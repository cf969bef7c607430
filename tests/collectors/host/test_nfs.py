from __future__ import annotations

from collectors.host.nfs import families
from tests.collectors.host.support import Tree, samples_of

OLD_KERNEL = "net 70 71 69 45\nrpc 100 3 102\nproc3 3 0 11 12\n"


def test_a_kernel_with_fewer_procedures_has_the_others_at_zero(tree: Tree) -> None:
    found = families(tree({"proc/net/rpc/nfs": OLD_KERNEL}))

    requests = samples_of(found, "node_nfs_requests_total")
    assert requests["3", "GetAttr"] == 11
    assert requests["3", "SetAttr"] == 12
    assert requests["3", "Commit"] == 0
    assert {version for version, _ in requests} == {"3"}
    assert samples_of(found, "node_nfs_packets_total") == {("udp",): 71, ("tcp",): 69}
    assert samples_of(found, "node_nfs_rpc_retransmissions_total") == {(): 3}
