from __future__ import annotations

import os
import shlex

import pytest

from collectors.findings import Severity
from collectors.host import checks
from collectors.host.bounded_calls import HungError
from collectors.host.meminfo import Memory
from collectors.mounts import Mount, Space

GB = 10**9
ROOT = Mount("/dev/vda", "/", "ext4", read_only=False)


def _space(*, free_percent: int = 50, inodes_free_percent: int = 50) -> Space:
    left = free_percent * GB
    return Space(size=100 * GB, free=left + GB, available=left, files=1000, files_free=inodes_free_percent * 10)


@pytest.mark.parametrize(
    ("percent", "severities"),
    [(10, []), (9, [Severity.WARNING]), (3, [Severity.WARNING]), (2, [Severity.FAILURE]), (0, [Severity.FAILURE])],
)
def test_space_and_inodes_have_the_same_thresholds(percent: int, severities: list[Severity]) -> None:
    spaces = {ROOT: _space(free_percent=percent)}
    inodes = {ROOT: _space(inodes_free_percent=percent)}

    assert [finding.severity for finding in checks.disk_space(spaces)] == severities
    assert [finding.severity for finding in checks.inodes(inodes)] == severities
    assert checks.inodes(spaces) == []
    assert checks.disk_space(inodes) == []


def test_a_full_disk_is_named_with_its_numbers_and_a_command() -> None:
    mount = Mount("/dev/sdb1", "/media/Sample Library", "ext4", read_only=False)

    (finding,) = checks.disk_space({mount: _space(free_percent=4)})

    assert finding.code == "host-disk-space-low"
    assert "/media/Sample Library (ext4 on /dev/sdb1) has 4.0 GB of 100.0 GB free (4.0%)" in finding.detail
    assert finding.remedy == ("du -xh -d 2 '/media/Sample Library' | sort -h | tail",)


def test_the_inodes_finding_is_one_of_its_own() -> None:
    (finding,) = checks.inodes({ROOT: _space(inodes_free_percent=5)})

    assert finding.code == "host-inodes-low"
    assert "50 of 1000 inodes" in finding.detail
    assert finding.remedy == ("du -x --inodes -d 2 / | sort -n | tail",)


@pytest.mark.parametrize(
    "mount",
    [
        Mount("/dev/sr0", "/media/cd", "udf", read_only=True),
        Mount("tmpfs", "/run", "tmpfs", read_only=False),
        Mount("efivarfs", "/sys/firmware/efi/efivars", "efivarfs", read_only=False),
    ],
)
def test_what_nobody_can_make_room_on_is_passed_over(mount: Mount) -> None:
    assert checks.disk_space({mount: _space(free_percent=0)}) == []
    assert checks.inodes({mount: _space(inodes_free_percent=0)}) == []


@pytest.mark.parametrize(("type_", "count"), [("fuse.archivemount", 0), ("fuse", 0), ("fuseblk", 1), ("xfs", 1)])
def test_a_view_of_an_archive_is_full_by_nature(type_: str, count: int) -> None:
    spaces = {Mount("pack.zip", "/media/pack", type_, read_only=False): Space(5 * GB, 0, 0, 100, 0)}

    assert (len(checks.disk_space(spaces)), len(checks.inodes(spaces))) == (count, count)


def test_a_full_network_disk_through_fuse_is_found() -> None:
    full = Space(size=100 * GB, free=0, available=0, files=1000, files_free=900)

    assert len(checks.disk_space({Mount("nas:/takes", "/takes", "fuse.sshfs", read_only=False): full})) == 1


def test_a_small_disk_has_its_own_unit() -> None:
    (finding,) = checks.disk_space({ROOT: Space(14_300_000, 500_000, 410_000, 0, 0)})

    assert "410.0 kB of 14.3 MB free (2.9%)" in finding.detail


def test_a_file_system_that_did_not_answer_or_has_no_size_is_passed_over() -> None:
    empty = Mount("portal", "/run/user/1000/doc", "fuse.portal", read_only=False)

    assert checks.disk_space({ROOT: PermissionError(13, "Permission denied"), empty: Space(0, 0, 0, 0, 0)}) == []
    assert checks.inodes({ROOT: PermissionError(13, "Permission denied"), empty: Space(0, 0, 0, 0, 0)}) == []


def test_a_device_that_is_mounted_twice_is_found_once() -> None:
    bind = Mount("/dev/vda", "/etc/hosts", "ext4", read_only=False)

    assert len(checks.disk_space({ROOT: _space(free_percent=1), bind: _space(free_percent=1)})) == 1


def test_a_name_that_is_not_utf8_is_shown_in_valid_unicode() -> None:
    mount = Mount("/dev/sdb1", os.fsdecode(b"/m\xfcsic"), "ext4", read_only=False)

    (finding,) = checks.disk_space({mount: _space(free_percent=1)})

    assert finding.title == "/m\ufffdsic is nearly full"
    (finding.title + finding.detail + "".join(finding.remedy)).encode()


def test_a_mount_that_hangs_is_named_and_one_that_refuses_is_not() -> None:
    dead = Mount("//nas/samples", "/srv/My Samples", "cifs", read_only=False)

    (finding,) = checks.mounts({ROOT: PermissionError(13, "Permission denied"), dead: HungError("no answer")})

    assert finding.code == "host-mount-hangs"
    assert "/srv/My Samples (cifs on //nas/samples)" in finding.detail
    assert finding.remedy == ("umount -l '/srv/My Samples'",)


@pytest.mark.parametrize(("available", "found"), [(10 * GB, 0), (9 * GB, 1)])
def test_memory_is_low_under_a_tenth(available: int, found: int) -> None:
    assert len(checks.memory(Memory(total=100 * GB, available=available))) == found


def test_low_memory_says_how_low() -> None:
    (finding,) = checks.memory(Memory(total=100 * GB, available=5 * GB))

    assert finding.code == "host-memory-low"
    assert finding.severity is Severity.WARNING
    assert "5.0 GB of 100.0 GB" in finding.detail


def test_a_failing_source_is_named_with_its_error() -> None:
    (finding,) = checks.sources({"meminfo": ValueError("expected a line such as …, found 'x'")})

    assert finding.code == "host-source-failing"
    assert "meminfo" in finding.title
    assert finding.detail == "Reading meminfo failed: expected a line such as …, found 'x'"
    assert finding.remedy


def test_a_source_that_may_not_be_read_is_shown_with_its_rights() -> None:
    error = PermissionError(13, "Permission denied", "/proc/a b")

    (finding,) = checks.sources({"stat": error})

    assert finding.remedy[0] == f"ls -l {shlex.quote('/proc/a b')}"


def test_a_source_that_hangs_is_looked_for_in_the_kernel() -> None:
    (finding,) = checks.sources({"hwmon": HungError("no answer within 0.8 s")})

    assert "no answer within 0.8 s" in finding.detail
    assert "grep ^D" in finding.remedy[0]


def test_two_file_systems_with_one_device_name_are_two() -> None:
    first = Mount("rclone", "/srv/a", "fuse.rclone", read_only=False, number=(0, 51))
    second = Mount("rclone", "/srv/b", "fuse.rclone", read_only=False, number=(0, 52))
    again = Mount("rclone", "/srv/c", "fuse.rclone", read_only=False, number=(0, 52))
    full = Space(size=100, free=1, available=1, files=0, files_free=0)

    found = checks.disk_space({first: full, second: full, again: full})

    assert [finding.title for finding in found] == ["/srv/a is nearly full", "/srv/b is nearly full"]
