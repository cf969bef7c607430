from __future__ import annotations

import pytest

from collectors.host.tapestats import families
from tests.collectors.host.support import Tree, samples_of


def test_a_drive_is_one_and_its_modes_are_not(tree: Tree) -> None:
    stats = {f"sys/class/scsi_tape/{name}/stats/read_ns": "2500000000\n" for name in ("st0", "nst0", "st0a", "st0l")}
    found = families(tree(stats))

    assert samples_of(found, "node_tape_read_time_seconds_total") == {("st0",): 2.5}


def test_a_machine_without_drives_has_no_such_thing(tree: Tree) -> None:
    with pytest.raises(FileNotFoundError):
        families(tree({}))
