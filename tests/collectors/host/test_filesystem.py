from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from collectors.host.config import HostConfig
from collectors.host.filesystem import FileSystems
from collectors.mounts import linux_mounts
from tests.collectors.host.support import Tree, samples_of


def _file_systems(root: Path) -> FileSystems:
    return FileSystems(partial(linux_mounts, root), HostConfig(), root)


def test_a_mount_that_cannot_be_asked_is_an_error_and_nothing_else(tree: Tree) -> None:
    root = tree({"proc/1/mounts": "/dev/vda / ext4 rw 0 0\n/dev/gone /gone ext4 rw 0 0\n"})

    found = _file_systems(root).families()

    assert samples_of(found, "node_filesystem_device_error") == {
        ("/dev/vda", "ext4", "/"): 0,
        ("/dev/gone", "ext4", "/gone", "no such file or directory"): 1,
    }
    assert list(samples_of(found, "node_filesystem_size_bytes")) == [("/dev/vda", "ext4", "/")]
    assert list(samples_of(found, "node_filesystem_readonly")) == [
        ("/dev/vda", "ext4", "/"),
        ("/dev/gone", "ext4", "/gone", "no such file or directory"),
    ]


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


def test_a_mount_has_its_number(tree: Tree) -> None:
    root = tree({"proc/1/mountinfo": "36 1 254:0 / / rw - ext4 /dev/vda rw\n"})
    found = _file_systems(root).families()

    assert samples_of(found, "node_filesystem_mount_info") == {("/dev/vda", "254", "0", "/"): 1}
    assert samples_of(found, "node_filesystem_purgeable_bytes") == {("/dev/vda", "ext4", "/"): 0}


def test_a_hidden_mount_does_not_show_the_space_of_the_one_above(tree: Tree) -> None:
    root = tree({"proc/1/mounts": "/dev/a /srv ext4 rw 0 0\n/dev/b /srv ext4 rw 0 0\n", "srv/x": ""})

    assert list(samples_of(_file_systems(root).families(), "node_filesystem_size_bytes")) == [
        ("/dev/b", "ext4", "/srv")
    ]
