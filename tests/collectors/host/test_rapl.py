from __future__ import annotations

from pathlib import Path

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


def test_who_may_not_read_it_has_no_such_thing(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> str:
        raise PermissionError(13, "Permission denied", str(path))

    root = tree({"sys/class/powercap/a/name": "dram\n"})
    monkeypatch.setattr("collectors.host.rapl.required_attribute", refuse)

    with pytest.raises(FileNotFoundError, match="Permission denied"):
        families(root)
