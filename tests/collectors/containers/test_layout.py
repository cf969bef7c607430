from __future__ import annotations

from pathlib import Path

import pytest

from collectors.containers.layout import find, parse
from tests.collectors.containers.support import MOUNTINFO, write

V1 = """\
31 23 0:28 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:10 - cgroup cgroup rw,cpu,cpuacct
33 31 0:31 / /sys/fs/cgroup/cpuset rw,relatime shared:11 - cgroup cgroup rw,cpuset
34 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
35 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd
"""
V1_TREES = {
    "cpu": "/sys/fs/cgroup/cpu,cpuacct",
    "cpuacct": "/sys/fs/cgroup/cpu,cpuacct",
    "memory": "/sys/fs/cgroup/memory",
}
BESIDE = "36 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n"


@pytest.mark.parametrize(
    ("mountinfo", "trees"),
    [
        (MOUNTINFO, {"unified": "/sys/fs/cgroup"}),
        (V1, V1_TREES),
        (V1 + BESIDE, V1_TREES),
        ("22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n", {}),
    ],
)
def test_parse_finds_each_tree(mountinfo: str, trees: dict[str, str]) -> None:
    assert parse(mountinfo) == trees


# After public reports: lxcfs mounts the trees again, and a container's own mounts are visible from the machine.
AGAIN = (
    "90 25 0:29 / /run/lxcfs/controllers/cpu,cpuacct rw,relatime shared:90 - cgroup cpu,cpuacct rw,cpu,cpuacct\n"
    "91 25 0:32 /docker/6591 /var/lib/docker/aufs/mnt/6591/sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"
)
PART = "34 24 0:30 /system.slice/docker-x.scope /var/lib/machines/a/sys/fs/cgroup ro - cgroup2 cgroup2 rw\n"


@pytest.mark.parametrize(
    ("mountinfo", "trees"),
    [
        (V1 + AGAIN, V1_TREES),
        (AGAIN.splitlines()[1] + "\n" + V1, V1_TREES),
        (PART + MOUNTINFO, {"unified": "/sys/fs/cgroup"}),
        (MOUNTINFO + PART, {"unified": "/sys/fs/cgroup"}),
        (PART, {"unified": "/var/lib/machines/a/sys/fs/cgroup"}),
        ("36 24 0:30 / /mnt/My\\040Groups rw - cgroup2 cgroup2 rw\n", {"unified": "/mnt/My Groups"}),
        (MOUNTINFO + "40 24 0:9 / /mnt/pids rw - cgroup cgroup rw,pids\n", {"unified": "/sys/fs/cgroup"}),
    ],
)
def test_the_mount_of_the_whole_tree_is_used(mountinfo: str, trees: dict[str, str]) -> None:
    assert parse(mountinfo) == trees


@pytest.mark.parametrize(
    ("controllers", "missing"),
    [
        ("cpuset cpu io memory hugetlb pids\n", ()),
        ("cpuset cpu io pids\n", ("memory",)),
        ("", ("cpu", "memory", "io", "pids")),
    ],
)
def test_controllers_that_the_kernel_lacks_are_known(
    tmp_path: Path, controllers: str, missing: tuple[str, ...]
) -> None:
    write(tmp_path, {"proc/self/mountinfo": MOUNTINFO, "sys/fs/cgroup/cgroup.controllers": controllers})

    layout = find(tmp_path)

    assert layout is not None
    assert layout.missing_controllers() == missing


def test_a_tree_of_version_1_lacks_the_controllers_that_are_not_mounted(tmp_path: Path) -> None:
    write(tmp_path, {"proc/self/mountinfo": V1})

    layout = find(tmp_path)

    assert layout is not None
    assert layout.missing_controllers() == ("blkio", "pids")


def test_a_shared_tree_is_walked_once(tmp_path: Path) -> None:
    write(tmp_path, {"proc/self/mountinfo": V1})

    layout = find(tmp_path)

    assert layout is not None
    assert layout.tops == tuple(dict.fromkeys(f"{tmp_path}{V1_TREES[name]}" for name in layout.trees))
    assert len(layout.tops) == 2


def test_a_group_is_looked_for_where_it_is(tmp_path: Path) -> None:
    write(tmp_path, {"proc/self/mountinfo": V1, "sys/fs/cgroup/cpu,cpuacct/web/cgroup.procs": "1\n"})

    layout = find(tmp_path)

    assert layout is not None
    assert layout.directory("/web") == f"{tmp_path}/sys/fs/cgroup/cpu,cpuacct/web"


def test_a_machine_without_control_groups_has_no_layout(tmp_path: Path) -> None:
    assert find(tmp_path) is None

    write(tmp_path, {"proc/self/mountinfo": ""})

    assert find(tmp_path) is None


def test_this_machine_has_one() -> None:
    layout = find(Path("/"))

    assert layout is not None
    assert all(Path(top).is_dir() for top in layout.tops)
