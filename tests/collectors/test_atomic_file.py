from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from collectors.atomic_file import replace


def test_a_file_is_created_with_its_directory_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "state" / "positions.json"
    replace(path, b"one")

    assert path.read_bytes() == b"one"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_content_is_replaced_and_nothing_is_left_next_to_it(tmp_path: Path) -> None:
    path = tmp_path / "salt"
    replace(path, b"long content")
    replace(path, b"short")

    assert path.read_bytes() == b"short"
    assert list(tmp_path.iterdir()) == [path]


def test_the_file_and_then_its_directory_are_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[bool] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(stat.S_ISDIR(os.fstat(descriptor).st_mode))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    replace(tmp_path / "salt", b"x")

    assert synced == [False, True]


def test_a_failed_write_leaves_the_old_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "salt"
    replace(path, b"old")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        replace(path, b"new")

    assert path.read_bytes() == b"old"
