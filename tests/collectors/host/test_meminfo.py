from __future__ import annotations

from pathlib import Path

import pytest

from collectors.host.meminfo import Memory, families, memory, parse
from tests.collectors.host.support import Tree

MEMINFO = """\
MemTotal:       24684084 kB
MemFree:        23902096 kB
MemAvailable:   24085880 kB
Active(anon):      49272 kB

HugePages_Total:       2
DirectMap1G:    18874368 kB
"""


def test_parse_gives_bytes_and_names_without_parentheses() -> None:
    assert parse(MEMINFO) == {
        "MemTotal_bytes": 24684084 * 1024,
        "MemFree_bytes": 23902096 * 1024,
        "MemAvailable_bytes": 24085880 * 1024,
        "Active_anon_bytes": 49272 * 1024,
        "HugePages_Total": 2,
        "DirectMap1G_bytes": 18874368 * 1024,
    }


@pytest.mark.parametrize("line", ["MemFree: many kB", "MemFree:", "MemFree: 1 kB and more"])
def test_parse_shows_the_line_that_it_does_not_know(line: str) -> None:
    with pytest.raises(ValueError, match=line):
        parse(f"MemTotal: 5 kB\n{line}\n")


def test_families_are_one_gauge_a_field(tree: Tree) -> None:
    found = {family.name: family for family in families(tree({"proc/meminfo": MEMINFO}))}

    assert len(found) == 6
    assert found["node_memory_Active_anon_bytes"].type == "gauge"
    assert found["node_memory_Active_anon_bytes"].help == "Memory information field Active_anon_bytes."
    assert found["node_memory_HugePages_Total"].samples == {(): 2}


def test_memory_is_what_is_available_of_all(tree: Tree) -> None:
    assert memory(tree({"proc/meminfo": MEMINFO})) == Memory(total=24684084 * 1024, available=24085880 * 1024)


def test_every_field_of_the_real_kernel_is_exported() -> None:
    assert len(families(Path("/"))) == len(Path("/proc/meminfo").read_text().splitlines())
