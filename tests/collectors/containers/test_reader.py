from __future__ import annotations

import gc
import shutil
from contextlib import suppress
from pathlib import Path

import pytest

from collectors.containers import reader as reader_module
from collectors.containers.cgroup_reading import MEMORY_USAGE, CgroupReading
from collectors.containers.layout import Layout, find
from collectors.containers.reader import Reader
from tests.collectors.containers.support import write_group

PIDS = ("container_threads",)


@pytest.fixture
def layout(machine: Path) -> Layout:
    found = find(machine)
    assert found is not None
    return found


@pytest.fixture
def reader(machine: Path, layout: Layout) -> Reader:
    return Reader(layout, machine)


def _scrape(reader: Reader, layout: Layout, *paths: str) -> list[CgroupReading]:
    reader.begin()
    return [reader.read(path, layout.tops) for path in paths]


def _open_below(directory: Path) -> list[str]:
    """Return the files below a directory that this process has open."""
    found = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            found.append(str(descriptor.readlink()))
    return [target for target in found if target.startswith(str(directory))]


def test_a_group_that_cannot_be_read_is_counted_and_one_that_is_gone_is_not(
    machine: Path, reader: Reader, layout: Layout
) -> None:
    write_group(machine, "/web")
    (machine / "sys/fs/cgroup/file").write_text("")
    reader.begin()

    assert reader.read("/web", layout.tops)
    assert reader.read("/gone", layout.tops) == {}
    assert reader.unreadable == 0
    assert reader.read("/file", layout.tops) == {}
    assert reader.unreadable == 1
    reader.begin()
    assert reader.unreadable == 0


def test_files_that_stay_open_give_the_numbers_of_now(machine: Path, reader: Reader, layout: Layout) -> None:
    group = machine / "sys/fs/cgroup/web"
    write_group(machine, "/web")
    _scrape(reader, layout, "/web")
    (group / "memory.current").write_text("77\n")

    (reading,) = _scrape(reader, layout, "/web")

    assert reading[MEMORY_USAGE] == 77


def test_a_group_in_the_place_of_a_removed_one_has_its_own_numbers(
    machine: Path, reader: Reader, layout: Layout
) -> None:
    group = machine / "sys/fs/cgroup/web"
    write_group(machine, "/web")
    _scrape(reader, layout, "/web")
    group.rename(machine / "removed")  # keeps its inode, which a new directory could get at once otherwise
    write_group(machine, "/web")
    (group / "memory.current").write_text("88\n")

    (reading,) = _scrape(reader, layout, "/web")

    assert reading[MEMORY_USAGE] == 88


def test_a_controller_that_is_enabled_later_is_read(machine: Path, reader: Reader, layout: Layout) -> None:
    group = machine / "sys/fs/cgroup/web"
    write_group(machine, "/web")
    (group / "pids.current").rename(machine / "later")
    (before,) = _scrape(reader, layout, "/web")
    (machine / "later").rename(group / "pids.current")

    (after,) = _scrape(reader, layout, "/web")

    assert PIDS not in before
    assert after[PIDS] == 9


def test_the_files_of_a_group_that_is_gone_are_closed(machine: Path, reader: Reader, layout: Layout) -> None:
    groups = machine / "sys/fs/cgroup"
    write_group(machine, "/web")
    _scrape(reader, layout, "/web")
    assert _open_below(groups / "web")
    shutil.rmtree(groups / "web")

    assert _scrape(reader, layout, "/web") == [{}]
    _scrape(reader, layout)
    assert _open_below(groups) == []


def test_the_files_are_closed_with_the_reader(machine: Path, layout: Layout) -> None:
    write_group(machine, "/web")
    reader = Reader(layout, machine)
    _scrape(reader, layout, "/web")

    del reader
    gc.collect()

    assert _open_below(machine / "sys/fs/cgroup") == []


def test_all_groups_are_read_though_only_some_stay_open(
    machine: Path, reader: Reader, layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader_module, "MOST_OPEN", 30)
    paths = [f"/g{number}" for number in range(10)]
    for path in paths:
        write_group(machine, path)

    for _ in range(3):
        assert all(MEMORY_USAGE in reading for reading in _scrape(reader, layout, *paths))

    assert 0 < len(_open_below(machine / "sys/fs/cgroup")) <= 30 + 18
