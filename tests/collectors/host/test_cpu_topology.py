from __future__ import annotations

from pathlib import Path

import pytest

from collectors.host.cpu_topology import Topology, parse_cpu_list
from tests.collectors.host.support import Tree, samples_of

CPUS = "sys/devices/system/cpu"


def _processor(number: int, package: int, core: int, throttles: int) -> dict[str, str | bytes]:
    directory = f"{CPUS}/cpu{number}"
    return {
        f"{directory}/topology/physical_package_id": f"{package}\n",
        f"{directory}/topology/core_id": f"{core}\n",
        f"{directory}/thermal_throttle/core_throttle_count": f"{throttles}\n",
        f"{directory}/thermal_throttle/package_throttle_count": f"{throttles * 10}\n",
    }


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("", []), ("\n", []), ("3\n", [3]), ("0-2,7\n", [0, 1, 2, 7])],
)
def test_parse_cpu_list(text: str, numbers: list[int]) -> None:
    assert parse_cpu_list(text) == numbers


def test_throttles_are_counted_once_a_core_and_once_a_package(tree: Tree) -> None:
    root = tree(_processor(0, 0, 0, 5) | _processor(1, 0, 0, 5) | _processor(2, 0, 1, 6) | _processor(3, 1, 0, 7))

    families = Topology(root).families()

    assert samples_of(families, "node_cpu_core_throttles_total") == {("0", "0"): 5, ("0", "1"): 6, ("1", "0"): 7}
    assert samples_of(families, "node_cpu_package_throttles_total") == {("0",): 50, ("1",): 70}


def test_isolated_processors_are_listed(tree: Tree) -> None:
    families = Topology(tree({f"{CPUS}/isolated": "2-3\n"})).families()

    assert samples_of(families, "node_cpu_isolated") == {("2",): 1, ("3",): 1}


def test_a_machine_without_any_of_it_says_nothing(tmp_path: Path) -> None:
    assert all(not family.samples for family in Topology(tmp_path).families())


def test_a_processor_that_goes_offline_costs_only_its_own_count(tree: Tree) -> None:
    root = tree(_processor(0, 0, 0, 5) | _processor(1, 0, 1, 6))
    topology = Topology(root)

    (Path(root) / CPUS / "cpu1/thermal_throttle/core_throttle_count").unlink()

    assert samples_of(topology.families(), "node_cpu_core_throttles_total") == {("0", "0"): 5}


def test_cores_of_two_dies_with_one_number_are_added_up(tree: Tree) -> None:
    files = _processor(0, 0, 0, 5) | _processor(1, 0, 0, 7) | _processor(2, 0, 0, 5)
    siblings = {
        f"{CPUS}/cpu{number}/topology/thread_siblings_list": cpus
        for number, cpus in ((0, "0,2\n"), (1, "1\n"), (2, "0,2\n"))
    }

    found = Topology(tree(files | siblings)).families()

    assert samples_of(found, "node_cpu_core_throttles_total") == {("0", "0"): 12}


def test_a_processor_that_is_switched_off_is_offline(tree: Tree) -> None:
    root = tree({f"{CPUS}/cpu{number}/online": "1\n" for number in (0, 1, 2)} | {f"{CPUS}/online": "0,2\n"})

    assert samples_of(Topology(root).families(), "node_cpu_online") == {("0",): 1, ("1",): 0, ("2",): 1}


def test_processors_without_a_switch_have_no_state(tree: Tree) -> None:
    root = tree({f"{CPUS}/cpu1/online": "1\n", f"{CPUS}/online": "0-1\n"})

    assert samples_of(Topology(root).families(), "node_cpu_online") == {}
