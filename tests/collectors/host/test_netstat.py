from __future__ import annotations

import pytest

from collectors.host.netstat import families, parse, parse6
from tests.collectors.host.support import Tree, samples_of

NETSTAT = (
    "TcpExt: SyncookiesSent PAWSActive ListenDrops\nTcpExt: 1 2 3\nIpExt: InNoRoutes InOctets OutOctets\nIpExt: 4 5 6\n"
)
SNMP = "Ip: Forwarding DefaultTTL\nIp: 1 64\nTcp: MaxConn CurrEstab InErrs\nTcp: -1 7 8\n"
SNMP6 = "Ip6InReceives                   \t9\nIp6InOctets                     \t10\nUdpLite6InErrors\t11\n"


def test_the_wanted_columns_are_kept() -> None:
    assert parse(NETSTAT) == {
        "TcpExt_SyncookiesSent": 1,
        "TcpExt_ListenDrops": 3,
        "IpExt_InOctets": 5,
        "IpExt_OutOctets": 6,
    }
    assert parse(SNMP) == {"Ip_Forwarding": 1, "Tcp_CurrEstab": 7, "Tcp_InErrs": 8}
    assert parse6(SNMP6) == {"Ip6_InOctets": 10, "UdpLite6_InErrors": 11}


def test_names_without_values_are_an_error() -> None:
    with pytest.raises(ValueError, match="shorter"):
        parse(NETSTAT + "Tcp: CurrEstab\n")


def test_a_kernel_without_ipv6_has_the_others(tree: Tree) -> None:
    found = families(tree({"proc/net/netstat": NETSTAT, "proc/net/snmp": SNMP}))

    assert samples_of(found, "node_netstat_Tcp_CurrEstab") == {(): 7}
    assert {family.type for family in found} == {"unknown"}
    assert not [family.name for family in found if "6_" in family.name]
