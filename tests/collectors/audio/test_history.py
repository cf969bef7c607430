"""The history of dropouts: what is saved, restored, forgotten and marked as not measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from collectors.audio.dropouts import Dropout
from collectors.audio.history import (
    FILE,
    FINAL_NS,
    KEEP_SECONDS,
    Clock,
    DropoutHistory,
    PastDropout,
    Recorder,
    Unwatched,
)

NOW = 1e9


def dropout(at: float) -> PastDropout:
    return PastDropout(at, 0.25, 0.2, 1, "system", ("gap", "jack"))


def begun(directory: Path, now: float = NOW) -> DropoutHistory:
    history = DropoutHistory(directory)
    history.restore(now)
    return history


def test_dropouts_survive_a_restart(tmp_path: Path) -> None:
    before = begun(tmp_path)
    before.keep([dropout(NOW)], NOW + 1, measuring=True)
    before.keep([dropout(NOW + 5)], NOW + 6, measuring=True)

    after = begun(tmp_path, NOW + 7)

    assert after.view.dropouts == (dropout(NOW), dropout(NOW + 5))
    assert after.view.unwatched == (Unwatched(NOW + 1 - KEEP_SECONDS, NOW + 1),), "the day before the first start"
    assert after.view.watched == pytest.approx(NOW + 6)


def test_a_torn_line_costs_itself_only(tmp_path: Path) -> None:
    begun(tmp_path).keep([dropout(NOW)], NOW, measuring=True)
    with (tmp_path / FILE).open("ab") as file:
        file.write(b'{"dropout":{"at":1000000001.0,"sec')

    after = begun(tmp_path, NOW + 1)
    after.keep([dropout(NOW + 2)], NOW + 3, measuring=True)

    assert begun(tmp_path, NOW + 4).view.dropouts == (dropout(NOW), dropout(NOW + 2))


def test_time_without_an_agent_or_a_device_is_not_measured(tmp_path: Path) -> None:
    begun(tmp_path).keep([], NOW, measuring=True)

    after = begun(tmp_path, NOW + 100)
    after.keep([], NOW + 100, measuring=False)
    first = Unwatched(NOW - KEEP_SECONDS, NOW)
    assert (after.view.unwatched, after.view.watched) == ((first,), NOW)
    after.keep([], NOW + 200, measuring=True)
    after.keep([], NOW + 205, measuring=True)

    assert after.view.unwatched == (first, Unwatched(NOW, NOW + 200))
    assert after.view.watched == NOW + 205
    assert begun(tmp_path, NOW + 206).view.unwatched == (first, Unwatched(NOW, NOW + 200))


def test_entries_older_than_a_day_go(tmp_path: Path) -> None:
    begun(tmp_path).keep([dropout(NOW), dropout(NOW + 3600)], NOW + 3601, measuring=True)

    later = begun(tmp_path, NOW + KEEP_SECONDS + 60)

    assert later.view.dropouts == (dropout(NOW + 3600),)
    assert b"1000000000.0" not in (tmp_path / FILE).read_bytes()


def test_the_file_is_private_and_follows_no_link(tmp_path: Path) -> None:
    begun(tmp_path).keep([dropout(NOW)], NOW, measuring=True)
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600

    victim = tmp_path / "victim"
    victim.write_text("")
    elsewhere = tmp_path / "other"
    elsewhere.mkdir()
    history = begun(elsewhere)
    (elsewhere / FILE).unlink(missing_ok=True)
    (elsewhere / FILE).symlink_to(victim)
    history.keep([dropout(NOW)], NOW, measuring=True)
    assert victim.read_text() == ""


def test_a_directory_that_cannot_be_written_keeps_the_history_in_memory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    history = begun(tmp_path / "file" / "state")

    history.keep([dropout(NOW)], NOW, measuring=True)

    assert history.view.dropouts == (dropout(NOW),)


def test_without_restore_nothing_is_written(tmp_path: Path) -> None:
    history = DropoutHistory(tmp_path)

    history.keep([dropout(NOW)], NOW, measuring=True)

    assert list(tmp_path.iterdir()) == []
    assert history.view.dropouts == (dropout(NOW),)


def test_each_final_dropout_is_recorded_once() -> None:
    recorder = Recorder()
    start, end = 10**12, 10**12 + 250_000_000
    recent = [Dropout(start, end, 200_000_000, 1, frozenset({"jack", "gap"}))]

    early = recorder.final("system", recent, Clock(NOW, end + FINAL_NS - 1))
    found = recorder.final("system", recent, Clock(NOW, end + FINAL_NS))
    again = recorder.final("system", recent, Clock(NOW, end + FINAL_NS + 1))

    assert (early, again) == ([], [])
    (past,) = found
    assert past.at == pytest.approx(NOW - FINAL_NS / 1e9 - 0.25, abs=0.001)
    assert (past.seconds, past.silent, past.device, past.observers) == (0.25, 0.2, "system", ("gap", "jack"))
