from __future__ import annotations

import pytest

from collectors.host.ipvs import families, parse
from tests.collectors.host.support import Tree

HEAD = (
    "IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port Scheduler Flags\n"
    "  -> RemoteAddress:Port Forward Weight ActiveConn InActConn\n"
)


def test_servers_belong_to_the_service_before_them() -> None:
    table = (
        f"{HEAD}TCP  C0A80016:0CEA wlc\n  -> C0A85216:0CEB      Tunnel  100    248        2\n"
        "FWM  10001000 wlc\n  -> C0A8321A:0050      Tunnel  20     64         1\n"
    )

    assert parse(table) == {
        ("192.168.0.22", "3306", "192.168.82.22", "3307", "TCP", ""): (100, 248, 2),
        ("", "0", "192.168.50.26", "80", "FWM", "10001000"): (20, 64, 1),
    }


def test_a_balancer_without_services_has_no_servers() -> None:
    assert parse(HEAD) == {}


def test_a_machine_that_balances_nothing_has_no_such_thing(tree: Tree) -> None:
    with pytest.raises(FileNotFoundError):
        families(tree({}))


def test_servers_of_a_protocol_are_not_those_of_the_service_before() -> None:
    table = (
        f"{HEAD}TCP  C0A80016:0CEA wlc\n  -> C0A85216:0CEB Tunnel 100 248 2\n"
        "SCTP C0A80016:0CEA rr\n  -> C0A85216:0CEB Masq 1 2 3\n"
        "UDP  [2620:0000:0000:0000:0000:0000:0000:0001]:0050 rr persistent 300\n"
        "  -> [2620:0000:0000:0000:0000:0000:0000:0002]:0051 Route 4 5 6\n"
    )

    assert parse(table) == {
        ("192.168.0.22", "3306", "192.168.82.22", "3307", "TCP", ""): (100, 248, 2),
        ("192.168.0.22", "3306", "192.168.82.22", "3307", "SCTP", ""): (1, 2, 3),
        ("2620::1", "80", "2620::2", "81", "UDP", ""): (4, 5, 6),
    }
