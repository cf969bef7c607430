from __future__ import annotations

import socket
from pathlib import Path

from collectors.host.filters import Filter
from collectors.host.netdev import families, parse
from tests.collectors.host.support import Tree, samples_of

ALL = Filter()
DEV = """\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:   63061      65    0    0    0     0          0         0    63061      65    0    0    0     0       0          0
  eth0:1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16
"""  # noqa: E501 - the kernel's own form


def test_parse_reads_a_count_that_touches_the_colon() -> None:
    assert parse(DEV)["eth0"] == tuple(range(1, 17))
    assert parse(DEV)["lo"][:2] == (63061, 65)


def test_families_are_one_counter_a_column(tree: Tree) -> None:
    root = tree({"proc/net/dev": DEV, "sys/class/net/eth0/statistics/rx_nohandler": "17\n"})

    eth0 = {family.name: family.samples.get(("eth0",)) for family in families(root, ALL)}

    assert eth0 == {
        "node_network_receive_bytes_total": 1,
        "node_network_receive_packets_total": 2,
        "node_network_receive_errs_total": 3,
        "node_network_receive_drop_total": 4,
        "node_network_receive_fifo_total": 5,
        "node_network_receive_frame_total": 6,
        "node_network_receive_compressed_total": 7,
        "node_network_receive_multicast_total": 8,
        "node_network_transmit_bytes_total": 9,
        "node_network_transmit_packets_total": 10,
        "node_network_transmit_errs_total": 11,
        "node_network_transmit_drop_total": 12,
        "node_network_transmit_fifo_total": 13,
        "node_network_transmit_colls_total": 14,
        "node_network_transmit_carrier_total": 15,
        "node_network_transmit_compressed_total": 16,
        "node_network_receive_nohandler_total": 17,
    }
    assert {family.type for family in families(root, ALL)} == {"counter"}


def test_real_traffic_is_counted() -> None:
    before = samples_of(families(Path("/"), ALL), "node_network_transmit_bytes_total")[("lo",)]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.sendto(b"x" * 1000, receiver.getsockname())

    after = samples_of(families(Path("/"), ALL), "node_network_transmit_bytes_total")[("lo",)]

    assert after - before >= 1000


def test_an_interface_that_is_left_out_exports_nothing(tree: Tree) -> None:
    found = families(tree({"proc/net/dev": DEV}), Filter(exclude="^lo$"))

    assert list(samples_of(found, "node_network_receive_bytes_total")) == [("eth0",)]
