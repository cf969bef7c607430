from __future__ import annotations

from collectors.host.thermal_zone import families
from tests.collectors.host.support import Tree, samples_of

THERMAL = "sys/class/thermal"


def test_zones_of_one_type_are_two(tree: Tree) -> None:
    root = tree(
        {f"{THERMAL}/thermal_zone{zone}/type": "acpitz\n" for zone in (0, 1)}
        | {f"{THERMAL}/thermal_zone{zone}/temp": f"{40 + zone}500\n" for zone in (0, 1)}
        | {f"{THERMAL}/cooling_device3/type": "Processor\n", f"{THERMAL}/cooling_device3/cur_state": "2\n"}
    )
    found = families(root)

    assert samples_of(found, "node_thermal_zone_temp") == {("0", "acpitz"): 40.5, ("1", "acpitz"): 41.5}
    assert samples_of(found, "node_cooling_device_cur_state") == {("3", "Processor"): 2}


def test_a_zone_that_refuses_the_read_does_not_cost_the_others(tree: Tree) -> None:
    root = tree(
        {
            f"{THERMAL}/thermal_zone0/temp/refuses": "",
            f"{THERMAL}/thermal_zone1/type": "x86_pkg_temp\n",
            f"{THERMAL}/thermal_zone1/temp": "-5000\n",
        }
    )

    assert samples_of(families(root), "node_thermal_zone_temp") == {("1", "x86_pkg_temp"): -5}
