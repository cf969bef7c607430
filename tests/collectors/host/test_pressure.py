from __future__ import annotations

from pathlib import Path

import pytest

from collectors.host.pressure import families, parse
from tests.collectors.host.support import Tree, samples_of

SOME = "some avg10=0.00 avg60=1.50 avg300=0.00 total=%d\n"
FULL = "full avg10=0.00 avg60=0.00 avg300=0.00 total=%d\n"
FILES: dict[str, str | bytes] = {
    "proc/pressure/cpu": SOME % 1_500_000,
    "proc/pressure/io": SOME % 2_000_000 + FULL % 3_000_000,
    "proc/pressure/memory": SOME % 4_000_000 + FULL % 5_000_000,
}


def test_totals_are_by_kind() -> None:
    assert parse(SOME % 7 + FULL % 8) == {"some": 7, "full": 8}


def test_families_are_in_seconds(tree: Tree) -> None:
    assert {family.name: family.samples[()] for family in families(tree(FILES))} == {
        "node_pressure_cpu_waiting_seconds_total": 1.5,
        "node_pressure_io_waiting_seconds_total": 2,
        "node_pressure_io_stalled_seconds_total": 3,
        "node_pressure_memory_waiting_seconds_total": 4,
        "node_pressure_memory_stalled_seconds_total": 5,
    }


def test_interrupts_are_there_where_the_kernel_counts_them(tree: Tree) -> None:
    found = families(tree(FILES | {"proc/pressure/irq": FULL % 6_000_000}))

    assert samples_of(found, "node_pressure_irq_stalled_seconds_total") == {(): 6}


def test_a_kernel_that_counts_no_pressure_has_no_such_thing(tree: Tree) -> None:
    with pytest.raises(FileNotFoundError):
        families(tree({}))


@pytest.mark.parametrize("refused", ["cpu", "io", "memory"])
def test_a_resource_that_the_kernel_refuses_does_not_cost_the_others(tree: Tree, refused: str) -> None:
    root = tree(FILES)
    (root / f"proc/pressure/{refused}").unlink()
    Path(root / f"proc/pressure/{refused}").mkdir()

    found = {family.name.split("_")[2] for family in families(root)}

    assert found == {"cpu", "io", "memory"} - {refused}


def test_a_kernel_that_refuses_every_read_has_no_such_thing(tree: Tree) -> None:
    root = tree({f"{file}/x": "" for file in FILES})

    with pytest.raises(FileNotFoundError):
        families(root)
