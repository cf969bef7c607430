import pytest

from agent.doctor.machine import memory
from tests.agent.doctor.support import Machine, codes

SWAPS = "Filename\tType\tSize\tUsed\tPriority\n"


@pytest.mark.parametrize(
    ("areas", "willing", "expected"),
    [
        ("/dev/sda2 partition 1 0 -2\n", "60\n", ["memory-swapped-early"]),
        ("/dev/sda2 partition 1 0 -2\n", "10\n", []),
        ("/dev/zram0 partition 1 0 100\n", "180\n", []),
        ("", "60\n", []),
    ],
)
def test_swapping_early_matters_where_there_is_a_disk_to_swap_to(
    machine: Machine, areas: str, willing: str, expected: list[str]
) -> None:
    root = machine({"proc/swaps": SWAPS + areas, "proc/sys/vm/swappiness": willing})

    assert codes(memory.check(memory.swaps(root), memory.swappiness(root))) == expected
