"""Lines of PipeWire's log, as users of 0.3.65 to 1.4 have reported them."""

from __future__ import annotations

import pytest

from collectors.audio.pipewire.xrun_lines import LateNode, is_about_an_xrun, parse_late_node

TRIGGERED = (
    "pw.node: (easyeffects-75) xrun state:0x7e4f984c7008 pending:0/1 s:207876007260881 a:207875985941774"
    " f:207875985953874 waiting:18446744073688232509 process:12100 status:triggered"
)
AWAKE = (
    "pw.node: (Mumble (voice)-99) xrun state:0x7e4f984c7008 pending:0/1 s:1000 a:1400 f:900 waiting:400"
    " process:18446744073709551116 status:awake (3 suppressed)"
)
TOO_SLOW = "(bluez_input.18:54:CF:04:00:56.a2dp-sink-60) client too slow! rate:512/48000 pos:370688 status:triggered"
GRAPH = "pw.node: (alsa_output.pci-0000_00_1f.3.stereo-fallback-57) graph xrun not-triggered (0 suppressed)"


@pytest.mark.parametrize(
    ("line", "node"),
    [
        (TRIGGERED, LateNode("easyeffects", 207876007260881, 207875985941774, 207875985953874, "triggered")),
        (AWAKE, LateNode("Mumble (voice)", 1000, 1400, 900, "running")),
        (TOO_SLOW, LateNode("bluez_input.18:54:CF:04:00:56.a2dp-sink", 0, 0, 0, "triggered")),
        (GRAPH, None),
        ("pw.node: (sink-57) suspended -> running", None),
        ("", None),
    ],
)
def test_a_late_node_is_parsed(line: str, node: LateNode | None) -> None:
    assert parse_late_node(line) == node


def test_lines_about_xruns_are_recognised() -> None:
    assert all(map(is_about_an_xrun, (TRIGGERED, AWAKE, TOO_SLOW, GRAPH)))
    assert not is_about_an_xrun("spa.alsa: front:0p: follower avail:1024")


def test_a_long_name_is_cut() -> None:
    node = parse_late_node(TRIGGERED.replace("easyeffects", "x" * 500))

    assert node is not None
    assert len(node.name) == 128
