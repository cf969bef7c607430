from __future__ import annotations

from collectors.host.powersupplyclass import families
from tests.collectors.host.support import Tree, samples_of

SUPPLIES = "sys/class/power_supply"


def test_units_are_whole_and_texts_are_as_the_kernel_says_them(tree: Tree) -> None:
    root = tree(
        {
            f"{SUPPLIES}/BAT0/capacity": "81\n",
            f"{SUPPLIES}/BAT0/energy_now": "36580000\n",
            f"{SUPPLIES}/BAT0/temp": "295\n",
            f"{SUPPLIES}/BAT0/status": "Not charging\n",
            f"{SUPPLIES}/AC/online": "1\n",
            f"{SUPPLIES}/AC/type": "Mains\n",
        }
    )
    found = families(root)

    assert samples_of(found, "node_power_supply_capacity") == {("BAT0",): 81}
    assert samples_of(found, "node_power_supply_energy_watthour") == {("BAT0",): 36.58}
    assert samples_of(found, "node_power_supply_temp_celsius") == {("BAT0",): 29.5}
    assert samples_of(found, "node_power_supply_online") == {("AC",): 1}
    assert samples_of(found, "node_power_supply_info") == {("AC", "Mains"): 1, ("BAT0", "Not charging"): 1}
