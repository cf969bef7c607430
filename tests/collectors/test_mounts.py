from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from collectors.mounts import Mount, linux_mounts, parse_mountinfo, parse_mounts, space, visible

TABLE = """\
proc /proc proc rw,relatime 0 0
/dev/vda / ext4 rw,relatime,errors=remount-ro 0 0
/dev/sdb1 /media/Sample\\040Library ext4 ro,relatime 0 0
//nas/my\\040share /srv/nas cifs rw 0 0
"""


def test_parse_decodes_the_escapes_of_a_mount_point() -> None:
    assert parse_mounts(b"/dev/a /a\\040b\\011c\\012d\\134e ext4 rw 0 0\n") == (
        Mount("/dev/a", "/a b\tc\nd\\e", "ext4", read_only=False),
    )


def test_parse_knows_read_only_from_options_that_begin_alike() -> None:
    assert [mount.read_only for mount in parse_mounts(TABLE.encode())] == [False, False, True, False]


def test_parse_shows_the_line_that_it_does_not_know() -> None:
    with pytest.raises(ValueError, match="/dev/vda /"):
        parse_mounts(b"/dev/vda /\n")


def test_space_agrees_with_df() -> None:
    command = ["df", "--block-size=1", "--output=size,itotal", "/"]
    size, inodes = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[1].split()

    found = space("/")

    assert (found.size, found.files) == (int(size), int(inodes))
    assert 0 < found.available <= found.free <= found.size
    assert 0 < found.files_free <= found.files


@pytest.mark.parametrize("option", ["ro", "emergency_ro", "shutdown"])
def test_a_file_system_that_refuses_writes_is_read_only(option: str) -> None:
    of_the_mount = f"36 1 8:17 / /srv {option},relatime - ext4 /dev/sdb1 rw\n"
    of_the_file_system = f"36 1 8:17 / /srv rw,relatime - ext4 /dev/sdb1 rw,errors=remount-ro,{option}\n"

    assert parse_mounts(f"/dev/sdb1 /srv ext4 rw,{option} 0 0\n".encode())[0].read_only
    assert parse_mountinfo(of_the_mount.encode())[0].read_only
    assert parse_mountinfo(of_the_file_system.encode())[0].read_only


def test_a_writable_file_system_is_not_read_only() -> None:
    line = b"36 1 8:17 / /srv rw,relatime shared:1 - ext4 /dev/sdb1 rw,errors=remount-ro,emergency_rx\n"

    assert not parse_mountinfo(line)[0].read_only


def test_mountinfo_has_the_number_of_the_file_system_and_any_count_of_optional_fields() -> None:
    table = (
        b"25 30 0:23 / /sys rw,nosuid - sysfs sysfs rw\n"
        b"36 1 254:0 / /srv/a\\040b\\134c rw shared:1 master:2 - ext4 /dev/my\\040disk rw\n"
    )

    assert parse_mountinfo(table) == (
        Mount("sysfs", "/sys", "sysfs", read_only=False, number=(0, 23)),
        Mount("/dev/my disk", "/srv/a b\\c", "ext4", read_only=False, number=(254, 0)),
    )


def test_mountinfo_shows_the_line_that_it_does_not_know() -> None:
    with pytest.raises(ValueError, match="36 1 8:17"):
        parse_mountinfo(b"36 1 8:17 / /srv rw\n")


@pytest.mark.parametrize("table", ["proc/1/mountinfo", "proc/1/mounts", "proc/self/mountinfo", "proc/self/mounts"])
def test_each_table_of_the_kernel_is_known(tmp_path: Path, table: str) -> None:
    line = "36 1 8:17 / /srv rw - ext4 /dev/a rw\n" if table.endswith("info") else "/dev/a /srv ext4 rw 0 0\n"
    (tmp_path / table).parent.mkdir(parents=True)
    (tmp_path / table).write_text(line)

    assert [mount.path for mount in linux_mounts(tmp_path)] == ["/srv"]


def test_the_machines_table_precedes_that_of_this_process(tmp_path: Path) -> None:
    for pid, path in (("1", "/machine"), ("self", "/process")):
        (tmp_path / "proc" / pid).mkdir(parents=True)
        (tmp_path / "proc" / pid / "mounts").write_text(f"/dev/a {path} ext4 rw 0 0\n")

    assert [mount.path for mount in linux_mounts(tmp_path)] == ["/machine"]


def test_storage_that_only_this_process_sees_is_added(tmp_path: Path) -> None:
    tables = {
        "1": "36 1 8:1 / / rw - ext4 /dev/a rw\n",
        "self": "90 1 8:1 / / ro - ext4 /dev/a rw\n91 90 8:2 / /takes rw - xfs /dev/b rw\n"
        "92 90 0:9 / /run rw - tmpfs t rw\n",
    }
    for pid, table in tables.items():
        (tmp_path / "proc" / pid).mkdir(parents=True)
        (tmp_path / "proc" / pid / "mountinfo").write_text(table)

    assert linux_mounts(tmp_path) == (
        Mount("/dev/a", "/", "ext4", read_only=False, number=(8, 1)),
        Mount("/dev/b", "/takes", "xfs", read_only=False, number=(8, 2)),
    )


def test_no_table_at_all_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        linux_mounts(tmp_path)


def test_this_machines_tables_agree() -> None:
    mounts = parse_mounts(Path("/proc/self/mounts").read_bytes())
    mountinfo = parse_mountinfo(Path("/proc/self/mountinfo").read_bytes())

    assert [(mount.device, mount.path, mount.type) for mount in mounts] == [
        (mount.device, mount.path, mount.type) for mount in mountinfo
    ]


def test_of_several_mounts_at_one_path_the_last_is_visible() -> None:
    below, above = Mount("a", "/srv", "autofs", read_only=False), Mount("nas:/", "/srv", "nfs4", read_only=False)
    other = Mount("/dev/a", "/", "ext4", read_only=False)

    assert visible([other, below, above]) == [other, above]


def _visible(table: str) -> list[str]:
    return [mount.device for mount in visible(parse_mountinfo(table.encode()))]


def test_a_mount_below_a_folder_that_a_later_mount_covers_is_hidden() -> None:
    root = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
    takes = "30 22 8:17 / /srv/takes rw - ext4 /dev/sdb1 rw\n"
    cache = "31 30 0:50 / /srv/takes/cache rw - tmpfs cache rw\n"
    cover = "40 22 8:33 / /srv rw - ext4 /dev/sdc1 rw\n"
    inner = "41 40 8:49 / /srv/takes rw - ext4 /dev/sdd1 rw\n"

    assert _visible(root + takes + cache) == ["/dev/sda1", "/dev/sdb1", "cache"]
    assert _visible(root + takes + cache + cover) == ["/dev/sda1", "/dev/sdc1"]
    assert _visible(root + takes + cache + cover + inner) == ["/dev/sda1", "/dev/sdc1", "/dev/sdd1"]


def test_mounts_listed_before_the_mount_that_they_are_on_are_visible() -> None:
    """An initramfs mounts /proc and /dev before it moves them onto the root."""
    table = (
        "23 29 0:22 / /proc rw - proc proc rw\n"
        "24 29 0:5 / /dev rw - devtmpfs udev rw\n"
        "25 24 0:24 / /dev/shm rw - tmpfs shm rw\n"
        "29 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
        "50 29 8:2 / /devices rw - ext4 /dev/sda2 rw\n"
    )

    assert _visible(table) == ["proc", "udev", "shm", "/dev/sda1", "/dev/sda2"]
