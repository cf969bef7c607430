from __future__ import annotations

from collectors.host.softnet import families, parse
from tests.collectors.host.support import Tree, samples_of

ZEROS = "00000000 " * 5

# 13 columns, as kernels write them since 5.10: the last is the processor. Processor 1 is offline.
NEW = (
    f"0000000a 00000001 00000002 {ZEROS}00000003 00000004 00000005 00000006 00000000\n"
    f"00000014 00000000 00000000 {ZEROS}00000000 00000000 00000000 00000007 00000002\n"
)
OLD = "0000000a 00000001 00000002 00000000 00000000 00000000 00000000 00000000 00000003\n" * 2


def test_a_line_belongs_to_the_processor_that_it_names() -> None:
    assert list(parse(NEW)) == ["0", "2"]


def test_lines_of_an_old_kernel_are_counted() -> None:
    assert list(parse(OLD)) == ["0", "1"]


def test_families_are_the_columns_of_this_kernel(tree: Tree) -> None:
    found = families(tree({"proc/net/softnet_stat": NEW}))
    values = {family.name: dict(family.samples) for family in found}

    assert values == {
        "node_softnet_processed_total": {("0",): 10, ("2",): 20},
        "node_softnet_dropped_total": {("0",): 1, ("2",): 0},
        "node_softnet_times_squeezed_total": {("0",): 2, ("2",): 0},
        "node_softnet_cpu_collision_total": {("0",): 3, ("2",): 0},
        "node_softnet_received_rps_total": {("0",): 4, ("2",): 0},
        "node_softnet_flow_limit_count_total": {("0",): 5, ("2",): 0},
        "node_softnet_backlog_len": {("0",): 6, ("2",): 7},
    }


def test_an_old_kernel_has_no_further_columns(tree: Tree) -> None:
    found = families(tree({"proc/net/softnet_stat": OLD}))

    assert samples_of(found, "node_softnet_cpu_collision_total") == {("0",): 3, ("1",): 3}
    assert samples_of(found, "node_softnet_backlog_len") == {}
