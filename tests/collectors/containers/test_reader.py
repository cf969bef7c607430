from __future__ import annotations

from pathlib import Path

from collectors.containers.layout import find
from collectors.containers.reader import Reader
from tests.collectors.containers.support import write_group


def test_a_group_that_cannot_be_read_is_counted_and_one_that_is_gone_is_not(machine: Path) -> None:
    write_group(machine, "/web")
    (machine / "sys/fs/cgroup/file").write_text("")
    layout = find(machine)
    assert layout is not None
    reader = Reader(layout, machine)

    assert reader.read("/web")
    assert reader.read("/gone") == {}
    assert reader.unreadable == 0
    assert reader.read("/file") == {}
    assert reader.unreadable == 1
    reader.begin()
    assert reader.unreadable == 0
