from __future__ import annotations

from collectors.host.bonding import families
from tests.collectors.host.support import Tree, samples_of

NET = "sys/class/net"


def test_old_kernels_name_the_members_otherwise(tree: Tree) -> None:
    root = tree(
        {
            f"{NET}/bonding_masters": "bond0\n",
            f"{NET}/bond0/bonding/slaves": "eth0 eth1\n",
            f"{NET}/bond0/slave_eth0/bonding_slave/mii_status": "up\n",
            f"{NET}/bond0/lower_eth1/bonding_slave/mii_status": "down\n",
        }
    )

    assert samples_of(families(root), "node_bonding_slaves") == {("bond0",): 2}
    assert samples_of(families(root), "node_bonding_active") == {("bond0",): 1}


def test_a_bond_that_was_just_removed_costs_no_other(tree: Tree) -> None:
    found = families(
        tree({"sys/class/net/bonding_masters": "bond0 bond1\n", "sys/class/net/bond1/bonding/slaves": "\n"})
    )

    assert samples_of(found, "node_bonding_slaves") == {("bond1",): 0}
