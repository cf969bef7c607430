"""The quotas of control groups, in written files of both versions."""

from __future__ import annotations

from pathlib import Path

import pytest

from collectors.audio.causes.recorder.quotas import Quotas, parse_groups, parse_quota_v2, parse_throttling

SECOND_NS = 1_000_000_000


def group(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(content)


def process(proc: Path, pid: int, content: str) -> None:
    (proc / str(pid)).mkdir(parents=True)
    (proc / str(pid) / "cgroup").write_text(content)


def test_texts_of_the_kernel_are_parsed() -> None:
    assert parse_quota_v2(b"5000 100000\n") == 0.05
    assert parse_quota_v2(b"max 100000\n") == 0
    assert parse_throttling(b"nr_periods 9\nnr_throttled 3\nthrottled_time 70\n") == (3, 70)
    assert parse_throttling(b"usage_usec 1\nnr_throttled 3\nthrottled_usec 70\n") == (3, 70_000)
    assert parse_throttling(b"usage_usec 1\n") == (0, 0)
    assert parse_groups(b"4:cpu,cpuacct:/a:b\n1:name=systemd:/c\n0::/d\n") == ("/a:b", "/d")


def test_a_quota_of_version_2_and_its_throttling_are_seen_with_the_ancestors(tmp_path: Path) -> None:
    root, proc = tmp_path / "cgroup", tmp_path / "proc"
    group(root, cgroup__controllers="cpu")
    stat = "nr_throttled 0\nthrottled_usec 0\n"
    group(root / "user.slice", cpu__max="50000 100000", cpu__stat=stat)
    group(root / "user.slice/app.scope", cpu__max="max 100000", cpu__stat=stat)
    process(proc, 7, "0::/user.slice/app.scope\n")
    quotas = Quotas(proc, root)
    quotas.look([7], 1 * SECOND_NS)
    group(root / "user.slice", cpu__stat="nr_throttled 4\nthrottled_usec 90000\n")
    quotas.look(None, 2 * SECOND_NS)
    (track,) = quotas.tracks(0)

    assert (track.path, track.quota, track.pids) == ("/user.slice", 0.5, (7,))
    assert [(look.throttled, look.throttled_ns) for look in track.looks] == [(0, 0), (4, 90_000_000)]


def test_a_quota_that_came_and_went_is_remembered(tmp_path: Path) -> None:
    """A group without a quota is looked at too, so that its counters before the quota are known."""
    root, proc = tmp_path / "cgroup", tmp_path / "proc"
    group(root / "cpu/audio", cpu__cfs_quota_us="-1", cpu__cfs_period_us="100000", cpu__stat="nr_throttled 2\n")
    process(proc, 7, "2:cpu:/audio\n0::/\n")
    quotas = Quotas(proc, root)
    quotas.look([7], 1 * SECOND_NS)
    group(root / "cpu/audio", cpu__cfs_quota_us="5000")
    quotas.look([7], 2 * SECOND_NS)
    group(root / "cpu/audio", cpu__cfs_quota_us="-1", cpu__stat="nr_throttled 9\nthrottled_time 5\n")
    quotas.look([7], 3 * SECOND_NS)
    (track,) = quotas.tracks(0)

    assert (track.path, track.quota) == ("/audio", 0.05)
    assert [look.throttled for look in track.looks] == [2, 2, 9]


def test_a_process_that_moves_is_followed(tmp_path: Path) -> None:
    root, proc = tmp_path / "cgroup", tmp_path / "proc"
    group(root, cgroup__controllers="cpu")
    for name in ("a", "b"):
        group(root / name, cpu__max="10000 100000", cpu__stat="nr_throttled 0\n")
    process(proc, 7, "0::/a\n")
    quotas = Quotas(proc, root)
    quotas.look([7], 1 * SECOND_NS)
    (proc / "7/cgroup").write_text("0::/b\n")
    quotas.look([7], 2 * SECOND_NS)
    quotas.look([7], 20 * SECOND_NS)

    assert {track.path for track in quotas.tracks(0)} == {"/b"}


@pytest.mark.parametrize("content", ["0::/gone\n", "noise", "0::/\n", ""])
def test_groups_that_cannot_be_read_are_none(content: str, tmp_path: Path) -> None:
    process(tmp_path / "proc", 7, content)
    quotas = Quotas(tmp_path / "proc", tmp_path)
    quotas.look([7, 8], SECOND_NS)

    assert quotas.tracks(0) == ()
