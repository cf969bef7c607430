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
