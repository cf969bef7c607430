from __future__ import annotations

from collectors.host.edac import families
from tests.collectors.host.support import Tree, samples_of

MC = "sys/devices/system/edac/mc/mc0"


def test_errors_are_by_controller_row_and_module(tree: Tree) -> None:
    root = tree(
        {
            f"{MC}/ce_count": "5\n",
            f"{MC}/ue_count": "0\n",
            f"{MC}/ce_noinfo_count": "1\n",
            f"{MC}/csrow0/ce_count": "4\n",
            f"{MC}/csrow0/ch0_ce_count": "3\n",
            f"{MC}/csrow0/ch0_dimm_label": "mc#0csrow#0channel#0\n",
            f"{MC}/csrow0/ch1_ce_count": "1\n",
        }
    )
    found = families(root)

    assert samples_of(found, "node_edac_correctable_errors_total") == {("0",): 5}
    assert samples_of(found, "node_edac_uncorrectable_errors_total") == {("0",): 0}
    assert samples_of(found, "node_edac_csrow_correctable_errors_total") == {("0", "unknown"): 1, ("0", "0"): 4}
    assert samples_of(found, "node_edac_channel_correctable_errors_total") == {
        ("0", "0", "0", "mc0_csrow0_channel0"): 3,
        ("0", "0", "1", "unknown"): 1,
    }
    assert samples_of(found, "node_edac_channel_uncorrectable_errors_total") == {}
