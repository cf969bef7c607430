from __future__ import annotations

import pytest

from collectors.host.btrfs import families, ratio
from tests.collectors.host.support import Tree, samples_of


@pytest.mark.parametrize(
    ("mode", "devices", "expected"),
    [
        ("single", 1, 1),
        ("raid0", 3, 1),
        ("dup", 1, 2),
        ("raid1", 2, 2),
        ("raid5", 4, 4 / 3),
        ("raid6", 4, 2),
        ("new", 2, None),
    ],
)
def test_how_many_bytes_of_disk_a_byte_takes(mode: str, devices: int, expected: float) -> None:
    assert ratio(mode, devices) == expected


@pytest.mark.parametrize(
    ("mode", "devices", "expected"),
    [("raid1c3", 3, 3), ("raid1c4", 4, 4), ("raid5", 1, None), ("raid6", 2, None), ("", 1, None)],
)
def test_a_layout_that_cannot_be_told_has_no_ratio(mode: str, devices: int, expected: float | None) -> None:
    assert ratio(mode, devices) == expected


def _btrfs(uuid: str, metadata: str = "", label: str = "", layout: str = "data/single") -> dict[str, str | bytes]:
    directory = f"sys/fs/btrfs/{uuid}"
    return {
        f"{directory}/metadata_uuid": f"{metadata or uuid}\n",
        f"{directory}/label": f"{label}\n",
        f"{directory}/devices/sda/size": "8\n",
        f"{directory}/allocation/{layout}/used_bytes": "5\n",
    }


def test_two_copies_of_one_file_system_are_two(tree: Tree) -> None:
    found = families(tree(_btrfs("a-1", "m-1", "one") | _btrfs("a-2", "m-1", "two") | _btrfs("a-3", "m-3", "three")))

    assert samples_of(found, "node_btrfs_info") == {("a-1", "one"): 1, ("a-2", "two"): 1, ("m-3", "three"): 1}


def test_an_unknown_layout_has_its_sizes_and_no_ratio(tree: Tree) -> None:
    found = families(tree(_btrfs("a-1", layout="data/raid9")))

    assert samples_of(found, "node_btrfs_used_bytes") == {("a-1", "data", "raid9"): 5}
    assert samples_of(found, "node_btrfs_allocation_ratio") == {}


def test_a_file_system_with_mixed_blocks_is_measured(tree: Tree) -> None:
    found = families(tree(_btrfs("a-1", layout="mixed/dup")))

    assert samples_of(found, "node_btrfs_used_bytes") == {("a-1", "mixed", "dup"): 5}


def test_commits_are_in_seconds(tree: Tree) -> None:
    stats = "commits 27\nlast_commit_ms 12\nmax_commit_ms 51\ntotal_commit_ms 415\ncur_commit_ms 0\n"
    found = families(tree(_btrfs("a-1") | {"sys/fs/btrfs/a-1/commit_stats": stats}))

    assert samples_of(found, "node_btrfs_commits_total") == {("a-1",): 27}
    assert samples_of(found, "node_btrfs_max_commit_seconds") == {("a-1",): 0.051}
    assert samples_of(found, "node_btrfs_commit_seconds_total") == {("a-1",): 0.415}


def test_a_number_that_the_kernel_lacks_is_not_zero(tree: Tree) -> None:
    found = families(tree(_btrfs("a-1")))

    assert samples_of(found, "node_btrfs_global_rsv_size_bytes") == {}
    assert samples_of(found, "node_btrfs_size_bytes") == {}
    assert samples_of(found, "node_btrfs_reserved_bytes") == {}
