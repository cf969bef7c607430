from __future__ import annotations

from collectors.host.arp import families, parse
from collectors.host.filters import Filter
from tests.collectors.host.support import Tree, samples_of

ARP = """\
IP address       HW type     Flags       HW address            Mask     Device
192.168.1.1      0x1         0x2         cc:aa:dd:ee:aa:bb     *        eth0
192.168.1.2      0x1         0x2         bb:cc:dd:ee:ff:aa     *        eth0
10.0.0.1         0x1         0x2         bb:cc:dd:ee:ff:ab     *        docker0
"""


def test_neighbours_are_counted_by_interface() -> None:
    assert parse(ARP) == {"eth0": 2, "docker0": 1}
    assert parse(ARP.splitlines()[0]) == {}


def test_an_interface_that_is_left_out_exports_nothing(tree: Tree) -> None:
    found = families(tree({"proc/net/arp": ARP}), Filter(include="^eth"))

    assert samples_of(found, "node_arp_entries") == {("eth0",): 2}
