from __future__ import annotations

import pytest

from collectors.host.rapl import families, name_and_index
from tests.collectors.host.support import Tree, samples_of


@pytest.mark.parametrize(
    ("zone", "used", "found"),
    [
        ("package-1", 0, ("package", 1)),
        ("dram", 0, ("dram", 0)),
        ("dram", 1, ("dram", 1)),
        ("psys-x", 0, ("psys-x", 0)),
    ],
)
def test_a_zones_kind_and_number(zone: str, used: int, found: tuple[str, int]) -> None:
    assert name_and_index(zone, used) == found


def test_energy_is_in_joules(tree: Tree) -> None:
    root = tree({"sys/class/powercap/a/name": "dram\n", "sys/class/powercap/a/energy_uj": "2500000\n"})

    assert samples_of(families(root), "node_rapl_dram_joules_total") == {("0", f"{root}/sys/class/powercap/a"): 2.5}


def test_a_user_who_may_not_read_it_has_no_such_thing(tree: Tree) -> None:
    root = tree({"sys/class/powercap/a/name": "dram\n", "sys/class/powercap/a/energy_uj/refuses": ""})

    with pytest.raises(FileNotFoundError, match="energy_uj"):
        families(root)


def test_a_zone_that_cannot_be_read_does_not_cost_the_others(tree: Tree) -> None:
    zones = {f"sys/class/powercap/{zone}/name": f"{name}\n" for zone, name in (("a", "psys"), ("b", "dram"))}
    root = tree(zones | {"sys/class/powercap/b/energy_uj": "2500000\n"})

    assert samples_of(families(root), "node_rapl_dram_joules_total") == {("0", f"{root}/sys/class/powercap/b"): 2.5}


def test_two_controls_of_one_package_are_two_series(tree: Tree) -> None:
    zones = ("intel-rapl-mmio:0", "intel-rapl:0")
    root = tree(
        {f"sys/class/powercap/{zone}/name": "package-0\n" for zone in zones}
        | {f"sys/class/powercap/{zone}/energy_uj": "1000000\n" for zone in zones}
    )

    found = samples_of(families(root), "node_rapl_package_joules_total")
    assert found == {("0", f"{root}/sys/class/powercap/{zone}"): 1 for zone in zones}
