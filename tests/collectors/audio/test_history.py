"""The times without measuring: what is saved, restored, forgotten and marked."""

from __future__ import annotations

from pathlib import Path

import pytest

from collectors.audio.history import FILE, KEEP_SECONDS, Unwatched, WatchHistory

NOW = 1e9


def begun(directory: Path, now: float = NOW) -> WatchHistory:
    history = WatchHistory(directory)
    history.restore(now)
    return history


def test_the_last_time_of_measuring_survives_a_restart(tmp_path: Path) -> None:
    before = begun(tmp_path)
    before.keep(NOW + 1, measuring=True)
    before.keep(NOW + 7, measuring=True)

    after = begun(tmp_path, NOW + 8)

    assert after.unwatched == (Unwatched(NOW + 1 - KEEP_SECONDS, NOW + 1),), "the day before the first start"
    assert after.watched == pytest.approx(NOW + 7)


def test_a_torn_line_costs_itself_only(tmp_path: Path) -> None:
    begun(tmp_path).keep(NOW, measuring=True)
    with (tmp_path / FILE).open("ab") as file:
        file.write(b"[1000000001.0,10000")

    after = begun(tmp_path, NOW + 1)
    after.keep(NOW + 200, measuring=True)

    assert len(begun(tmp_path, NOW + 201).unwatched) == 2


def test_time_without_an_agent_or_a_device_is_not_measured(tmp_path: Path) -> None:
    begun(tmp_path).keep(NOW, measuring=True)

    after = begun(tmp_path, NOW + 100)
    after.keep(NOW + 100, measuring=False)
    first = Unwatched(NOW - KEEP_SECONDS, NOW)
    assert (after.unwatched, after.watched) == ((first,), NOW)
    after.keep(NOW + 200, measuring=True)
    after.keep(NOW + 205, measuring=True)

    assert after.unwatched == (first, Unwatched(NOW, NOW + 200))
    assert after.watched == NOW + 205
    assert begun(tmp_path, NOW + 206).unwatched == (first, Unwatched(NOW, NOW + 200))


def test_periods_older_than_a_day_go(tmp_path: Path) -> None:
    history = begun(tmp_path)
    history.keep(NOW, measuring=True)
    history.keep(NOW + 3600, measuring=True)

    later = begun(tmp_path, NOW + KEEP_SECONDS + 60)

    assert later.unwatched == (Unwatched(NOW, NOW + 3600),)
    assert (tmp_path / FILE).read_bytes().count(b"\n") == 1


def test_the_file_is_private_and_follows_no_link(tmp_path: Path) -> None:
    begun(tmp_path).keep(NOW, measuring=True)
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600

    victim = tmp_path / "victim"
    victim.write_text("")
    elsewhere = tmp_path / "other"
    elsewhere.mkdir()
    history = begun(elsewhere)
    (elsewhere / FILE).unlink(missing_ok=True)
    (elsewhere / FILE).symlink_to(victim)
    history.keep(NOW, measuring=True)
    assert victim.read_text() == ""


def test_a_directory_that_cannot_be_written_keeps_the_history_in_memory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    history = begun(tmp_path / "file" / "state")

    history.keep(NOW, measuring=True)

    assert history.unwatched == (Unwatched(NOW - KEEP_SECONDS, NOW),)


def test_without_restore_nothing_is_written(tmp_path: Path) -> None:
    history = WatchHistory(tmp_path)

    history.keep(NOW, measuring=True)

    assert list(tmp_path.iterdir()) == []
    assert history.watched == NOW
