from pathlib import Path

import pytest

from agent.doctor.machine import filesystems
from collectors.mounts import Mount, Space
from tests.agent.doctor.support import codes

MOUNTS = (
    Mount("/dev/sda1", "/", "ext4", read_only=False),
    Mount("server:/home", "/home", "nfs4", read_only=False),
    Mount("tmpfs", "/dev/shm", "tmpfs", read_only=False),  # noqa: S108 - a name in a table
)


@pytest.mark.parametrize(
    ("mounts", "home", "expected"),
    [
        (MOUNTS, Path("/home/anna"), ["filesystem-home-remote"]),
        (MOUNTS, Path("/root"), []),
        (MOUNTS, None, []),
        (MOUNTS[:1], Path("/home/anna"), ["filesystem-shm-on-disk"]),
    ],
)
def test_findings_of_file_systems(mounts: tuple[Mount, ...], home: Path | None, expected: list[str]) -> None:
    assert codes(filesystems.check(mounts, home)) == expected


@pytest.mark.parametrize(
    ("type_", "expected"),
    [
        ("lustre", ["filesystem-home-remote"]),
        ("beegfs", ["filesystem-home-remote"]),
        ("virtiofs", ["filesystem-home-remote"]),
        ("vboxsf", ["filesystem-home-remote"]),
        ("fuse", ["filesystem-home-remote"]),
        ("fuse.gocryptfs", ["filesystem-home-remote"]),
        ("fuseblk", []),
        ("bcachefs", []),
        ("zfs", []),
    ],
)
def test_a_home_of_each_type(type_: str, expected: list[str]) -> None:
    mounts = (MOUNTS[0], Mount("studio", "/home", type_, read_only=False), MOUNTS[2])

    assert codes(filesystems.check(mounts, Path("/home/anna"))) == expected


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        (Space(100, 100, 100, 100, 100), []),
        (Space(100, 5, 5, 100, 100), ["filesystem-shm-full"]),
        (Space(100, 100, 100, 100, 5), ["filesystem-shm-full"]),
        (Space(100, 100, 100, 0, 0), []),
        (None, []),
    ],
)
def test_shared_memory_that_is_full_keeps_jack_from_starting(left: Space | None, expected: list[str]) -> None:
    assert codes(filesystems.check(MOUNTS, None, left)) == expected


def test_the_space_of_shared_memory_is_this_machines(tmp_path: Path) -> None:
    assert filesystems.shared_space(tmp_path) is None
    assert filesystems.shared_space(Path("/")) is not None
