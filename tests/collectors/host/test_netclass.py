from __future__ import annotations

from pathlib import Path

import pytest

from collectors.host.filters import Filter
from collectors.host.netclass import NetClass
from tests.collectors.host.support import Tree, samples_of

ALL = Filter()
NET = "sys/class/net"
ETH0: dict[str, str | bytes] = {
    f"{NET}/eth0/{name}": f"{value}\n"
    for name, value in {
        "address": "02:fc:00:00:00:05",
        "broadcast": "ff:ff:ff:ff:ff:ff",
        "duplex": "full",
        "operstate": "up",
        "ifalias": "stage left",
        "carrier": 1,
        "carrier_up_count": 3,
        "dev_id": "0x1",
        "flags": "0x1003",
        "mtu": 1500,
        "speed": 1000,
    }.items()
}


def test_an_interface_is_described(tree: Tree) -> None:
    found = NetClass(tree(ETH0), ALL).families()

    assert samples_of(found, "node_network_info") == {
        ("eth0", "02:fc:00:00:00:05", "ff:ff:ff:ff:ff:ff", "full", "up", "stage left", "up"): 1
    }
    assert samples_of(found, "node_network_up") == {("eth0",): 1}
    assert samples_of(found, "node_network_flags") == {("eth0",): 0x1003}
    assert samples_of(found, "node_network_mtu_bytes") == {("eth0",): 1500}
    assert samples_of(found, "node_network_speed_bytes") == {("eth0",): 125_000_000}
    assert samples_of(found, "node_network_carrier_up_changes_total") == {("eth0",): 3}


def test_an_unknown_speed_is_what_node_exporter_makes_of_it(tree: Tree) -> None:
    found = NetClass(tree({f"{NET}/eth0/speed": "-1\n"}), ALL).families()

    assert samples_of(found, "node_network_speed_bytes") == {("eth0",): -125_000}


def test_what_an_interface_does_not_have_is_not_exported(tree: Tree) -> None:
    found = NetClass(tree({f"{NET}/lo/operstate": "unknown\n"}), ALL).families()

    assert samples_of(found, "node_network_up") == {("lo",): 0}
    assert samples_of(found, "node_network_info") == {("lo", "", "", "", "unknown", "", "unknown"): 1}
    assert samples_of(found, "node_network_speed_bytes") == {}


def test_a_drivers_switch_is_no_interface(tree: Tree) -> None:
    found = NetClass(tree(ETH0 | {f"{NET}/bonding_masters": "bond0\n"}), ALL).families()

    assert list(samples_of(found, "node_network_up")) == [("eth0",)]


def test_an_interface_that_was_just_unplugged_is_gone(tree: Tree) -> None:
    root = tree(ETH0)
    (root / NET / "usb0").mkdir()

    assert list(samples_of(NetClass(root, ALL).families(), "node_network_up")) == [("eth0",)]


def test_the_real_loopback_is_there() -> None:
    mtu = samples_of(NetClass(Path("/"), ALL).families(), "node_network_mtu_bytes")[("lo",)]

    assert mtu == int(Path("/sys/class/net/lo/mtu").read_text())


def test_an_interface_that_is_left_out_exports_nothing(tree: Tree) -> None:
    found = NetClass(tree(ETH0 | {f"{NET}/veth1/operstate": "up\n"}), Filter(exclude="^veth")).families()

    assert list(samples_of(found, "node_network_up")) == [("eth0",)]


@pytest.mark.parametrize(("flags", "state"), [("0x1003", "up"), ("0x1002", "down"), ("strange", "unknown")])
def test_the_admin_state_is_in_the_flags(tree: Tree, flags: str, state: str) -> None:
    ((labels, _),) = samples_of(
        NetClass(tree(ETH0 | {f"{NET}/eth0/flags": f"{flags}\n"}), ALL).families(), "node_network_info"
    ).items()

    assert labels[-1] == state


def test_a_number_that_is_none_costs_nothing_else(tree: Tree) -> None:
    found = NetClass(tree(ETH0 | {f"{NET}/eth0/mtu": "many\n"}), ALL).families()

    assert samples_of(found, "node_network_mtu_bytes") == {}
    assert samples_of(found, "node_network_speed_bytes") == {("eth0",): 125_000_000}
