from __future__ import annotations

import pytest

from collectors.host.schedstat import families
from tests.collectors.host.support import Tree, samples_of

TEXT = """\
version 17
timestamp 15819019232
cpu0 498494191 0 3533438552 2553969831 3853684107 2465731542 2045936778163039 343796328169361 4767485306
domain0 MC 00000000,00000003 212499247 210112015
cpu7 518377256 0 4155211005 2778589869 10466382 2867629021 1904686152592476 364107263788241 5145567945
"""


def test_a_processors_line_names_it(tree: Tree) -> None:
    found = families(tree({"proc/schedstat": TEXT}))

    assert samples_of(found, "node_schedstat_timeslices_total") == {("0",): 4767485306, ("7",): 5145567945}
    assert samples_of(found, "node_schedstat_running_seconds_total")["7",] == pytest.approx(1904686.152592476)
    assert samples_of(found, "node_schedstat_waiting_seconds_total")["0",] == pytest.approx(343796.328169361)
