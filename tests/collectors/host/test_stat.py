from __future__ import annotations

import time
from pathlib import Path

from collectors.host.stat import families, parse
from tests.collectors.host.support import Tree, samples_of

STAT = """\
cpu  5014 0 2179 161279 469 0 53 13 0 0
cpu0 949 0 704 82851 14 0 8 2 0 0
intr 181957 0 13 169
ctxt 338670
btime 1795316148
processes 5302
procs_running 2
procs_blocked 1
softirq 54004 0 24
"""


def test_parse_takes_the_first_number_of_each_line() -> None:
    fields = parse(STAT)

    assert (fields["intr"], fields["ctxt"], fields["softirq"]) == (181957, 338670, 54004)


def test_families_carry_node_exporters_names_and_types(tree: Tree) -> None:
    found = families(tree({"proc/stat": STAT}))

    assert [(family.name, family.type, family.samples[()]) for family in found] == [
        ("node_intr_total", "counter", 181957),
        ("node_context_switches_total", "counter", 338670),
        ("node_forks_total", "counter", 5302),
        ("node_boot_time_seconds", "gauge", 1795316148),
        ("node_procs_running", "gauge", 2),
        ("node_procs_blocked", "gauge", 1),
    ]


def test_the_real_machine_started_before_now() -> None:
    (started,) = samples_of(families(Path("/")), "node_boot_time_seconds").values()

    assert 0 < started < time.time()
