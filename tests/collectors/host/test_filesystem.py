from __future__ import annotations

import os
import subprocess
from functools import partial
from pathlib import Path

import pytest

from collectors.host.config import HostConfig
from collectors.host.filesystem import FileSystems, Mount, linux_mounts, parse_mounts, space
from tests.collectors.host.support import Tree, samples_of

TABLE = """\
proc /proc proc rw,relatime 0 0
/dev/vda / ext4 rw,relatime,errors=remount-ro 0 0
/dev/sdb1 /media/Sample\\040Library ext4 ro,relatime 0 0
//nas/my\\040share /srv/nas cifs rw 0 0
"""


def _file_systems(root: Path) -> FileSystems:
    return FileSystems(partial(linux_mounts, root), HostConfig(), root)


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


def test_a_mount_that_cannot_be_asked_is_an_error_and_nothing_else(tree: Tree) -> None:
    root = tree({"proc/1/mounts": "/dev/vda / ext4 rw 0 0\n/dev/gone /gone ext4 rw 0 0\n"})

    found = _file_systems(root).families()

    assert samples_of(found, "node_filesystem_device_error") == {
        ("/dev/vda", "ext4", "/"): 0,
        ("/dev/gone", "ext4", "/gone"): 1,
    }
    assert list(samples_of(found, "node_filesystem_size_bytes")) == [("/dev/vda", "ext4", "/")]
    assert list(samples_of(found, "node_filesystem_readonly")) == [("/dev/vda", "ext4", "/")]


def test_a_mount_point_in_the_table_twice_is_one_series(tree: Tree) -> None:
    root = tree({"proc/1/mounts": "tmpfs / tmpfs rw 0 0\ntmpfs / tmpfs rw 0 0\n"})

    assert samples_of(_file_systems(root).families(), "node_filesystem_device_error") == {("tmpfs", "tmpfs", "/"): 0}


def test_our_own_table_is_read_where_the_first_process_is_hidden(tree: Tree) -> None:
    root = tree({"proc/self/mounts": "/dev/vda / ext4 rw 0 0\n"})

    assert [mount.path for mount in _file_systems(root).measured()] == ["/"]


def test_a_mount_point_that_is_not_utf8_is_found_and_labelled(tree: Tree) -> None:
    root = tree({"proc/1/mounts": b"/dev/vda /m\xfc\\040sic ext4 ro 0 0\n"})
    Path(os.fsdecode(os.fsencode(root) + b"/m\xfc sic")).mkdir()

    found = _file_systems(root).families()

    assert samples_of(found, "node_filesystem_readonly") == {("/dev/vda", "ext4", "/m\ufffd sic"): 1}


def test_real_mounts_say_their_space() -> None:
    found = _file_systems(Path("/")).families()

    errors = samples_of(found, "node_filesystem_device_error")
    sizes = samples_of(found, "node_filesystem_size_bytes")
    assert errors
    assert set(sizes) == {labels for labels, error in errors.items() if not error}
