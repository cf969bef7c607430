from __future__ import annotations

import subprocess

import pytest

from collectors.mounts import Mount, parse_mounts, space

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
