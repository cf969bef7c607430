from __future__ import annotations

import pytest

from collectors.host.infiniband import families
from tests.collectors.host.support import Tree, samples_of

PORT = "sys/class/infiniband/mlx5_0/ports/1"


def test_state_and_rate_are_numbers(tree: Tree) -> None:
    found = families(
        tree(
            {
                f"{PORT}/state": "4: ACTIVE\n",
                f"{PORT}/phys_state": "5: LinkUp\n",
                f"{PORT}/rate": "2.5 Gb/sec (1X SDR)\n",
            }
        )
    )

    assert samples_of(found, "node_infiniband_state_id") == {("mlx5_0", "1"): 4}
    assert samples_of(found, "node_infiniband_physical_state_id") == {("mlx5_0", "1"): 5}
    assert samples_of(found, "node_infiniband_rate_bytes_per_second") == {("mlx5_0", "1"): 312_500_000}


@pytest.mark.parametrize(("state", "rate"), [("<unknown>\n", "<unknown>\n"), ("", "\n")])
def test_an_unknown_state_costs_nothing_else(tree: Tree, state: str, rate: str) -> None:
    found = families(tree({f"{PORT}/state": state, f"{PORT}/rate": rate, f"{PORT}/counters/link_downed": "2\n"}))

    assert samples_of(found, "node_infiniband_state_id") == {}
    assert samples_of(found, "node_infiniband_rate_bytes_per_second") == {}
    assert samples_of(found, "node_infiniband_link_downed_total") == {("mlx5_0", "1"): 2}
