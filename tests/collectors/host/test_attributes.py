from __future__ import annotations

from pathlib import Path

from collectors.host.attributes import Attribute, attribute_families
from collectors.kernel_files import numbered
from tests.collectors.host.support import Tree, samples_of

TEMPERATURE = (Attribute("temp", "node_temp", "Temperature.", per=1000),)


def test_devices_that_lack_an_attribute_or_say_no_number_are_left_out(tree: Tree) -> None:
    root = tree({"a/temp": "1500\n", "b/temp": "n/a\n", "c/other": "1\n", "d/temp": "0x10\n"})

    found = attribute_families({(name,): root / name for name in "abcd"}, TEMPERATURE, ("device",))

    assert samples_of(found, "node_temp") == {("a",): 1.5, ("d",): 0.016}


def test_without_devices_there_is_no_family() -> None:
    assert attribute_families({}, TEMPERATURE, ("device",)) == []


def test_numbered_directories_come_in_the_order_of_their_numbers(tree: Tree) -> None:
    root = tree({f"{name}/x": "" for name in ("cpu10", "cpu2", "cpufreq", "cpu0")})

    assert list(numbered(root, "cpu")) == ["0", "2", "10"]
    assert numbered(Path("/absent"), "cpu") == {}
