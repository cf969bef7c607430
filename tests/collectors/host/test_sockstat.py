from __future__ import annotations

import os

from collectors.host.sockstat import families, parse
from tests.collectors.host.support import Tree, samples_of

SOCKSTAT = "sockets: used 229\nTCP: inuse 4 orphan 0 tw 1 alloc 5 mem 2\nFRAG: inuse 0 memory 0\n"
SOCKSTAT6 = "TCP6: inuse 17\n"


def test_counts_are_by_protocol_and_state() -> None:
    found = parse(SOCKSTAT)

    assert found["sockets", "used"] == 229
    assert found["TCP", "tw"] == 1
    assert found["FRAG", "memory"] == 0


def test_pages_are_bytes_too(tree: Tree) -> None:
    found = families(tree({"proc/net/sockstat": SOCKSTAT, "proc/net/sockstat6": SOCKSTAT6}))

    assert samples_of(found, "node_sockstat_sockets_used") == {(): 229}
    assert samples_of(found, "node_sockstat_TCP_mem") == {(): 2}
    assert samples_of(found, "node_sockstat_TCP_mem_bytes") == {(): 2 * os.sysconf("SC_PAGE_SIZE")}
    assert samples_of(found, "node_sockstat_TCP6_inuse") == {(): 17}


def test_a_kernel_without_ipv6_has_the_others(tree: Tree) -> None:
    assert "node_sockstat_TCP_inuse" in {family.name for family in families(tree({"proc/net/sockstat": SOCKSTAT}))}
