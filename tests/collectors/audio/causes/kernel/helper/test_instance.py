"""Trace instances of the real kernel."""

from __future__ import annotations

import errno
import os
import signal
from pathlib import Path

import pytest

from collectors.audio.causes.kernel.helper import instance
from collectors.audio.causes.kernel.helper.instance import Instance, NoTracingError, remove_abandoned
from tests.support.kernel_recorder import RecorderProcess, clean, greeted, instances_of, switch_for
from tests.support.waiting import eventually


def own() -> list[Path]:
    return instances_of(os.getpid())


def read(path: Path) -> str:
    return path.read_text().strip()


def test_instance_is_prepared_and_removed(tracefs: Path) -> None:
    made = Instance(tracefs, ("sched/sched_switch", "none/none"), 512)
    try:
        (folder,) = own()
        assert 512 <= int(read(folder / "buffer_size_kb")) < 520
        assert "[mono]" in read(folder / "trace_clock")
        assert read(folder / "tracing_on") == "0"
        assert read(folder / "events/sched/sched_switch/enable") == "1"
        assert read(folder / "events/sched/sched_waking/enable") == "0"
        made.record(on=True)
        assert read(folder / "tracing_on") == "1"
        made.record(on=False)
        assert read(folder / "tracing_on") == "0"
    finally:
        made.close()
    assert own() == []


def test_instances_of_one_process_have_names_of_their_own(tracefs: Path) -> None:
    first, second = Instance(tracefs, (), 64), Instance(tracefs, (), 64)
    try:
        assert len(own()) == 2
    finally:
        first.close()
        second.close()


@pytest.mark.parametrize("number", [errno.ENOENT, errno.ENODEV])
def test_an_instance_that_another_recorder_removes_first_is_closed(
    tracefs: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    made, removed = Instance(tracefs, (), 64), Path.rmdir

    def rmdir(path: Path) -> None:
        removed(path)
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "rmdir", rmdir)
    made.close()

    assert own() == []


def test_instance_that_another_recorder_removes_at_once_is_made_again(
    tracefs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Path.mkdir
    removed: list[Path] = []

    def mkdir(path: Path) -> None:
        made(path)
        if not removed:
            path.rmdir()
            removed.append(path)

    monkeypatch.setattr(Path, "mkdir", mkdir)
    instance_ = Instance(tracefs, (), 64)
    try:
        assert own() == [removed[0].with_name(f"wr-agent-recorder-{os.getpid()}-1")]
    finally:
        instance_.close()


def test_overwritten_processors_are_known(tracefs: Path) -> None:
    made = Instance(tracefs, ("sched/sched_switch", "sched/sched_waking"), 8)
    try:
        assert made.overwritten() == set()
        made.record(on=True)

        def overwritten() -> set[int]:
            switch_for(0.1)
            return made.overwritten()

        eventually(overwritten, "the ring is overwritten")
        made.record(on=False)
        made.overwritten()
        assert list(made.pages(4096))
        assert made.overwritten() == set()
        assert list(made.pages(4096)) == []
    finally:
        made.close()


def test_only_abandoned_instances_are_removed(tracefs: Path) -> None:
    living = Instance(tracefs, (), 64)
    abandoned = tracefs / "instances" / f"wr-agent-recorder-{os.getpid()}-left"
    abandoned.mkdir()
    try:
        assert remove_abandoned(tracefs) >= 1
        assert not abandoned.exists()
        assert len(own()) == 1
    finally:
        living.close()


def test_kernel_stops_the_trace_of_a_killed_recorder(tracefs: Path, tmp_path: Path) -> None:
    del tracefs
    recorder = RecorderProcess(tmp_path / "socket")
    with greeted(recorder):
        assert [read(path / "tracing_on") for path in recorder.instances] == ["1", "0"]
        recorder.end(signal.SIGKILL)
    left = recorder.instances

    assert [read(path / "tracing_on") for path in left] == ["0", "0"]
    assert all(int(read(path / "buffer_size_kb").split()[0]) < 64 for path in left)
    clean()
    assert recorder.instances == []


def test_missing_tracefs_is_named_with_its_fix(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(instance, "_ROOTS", (tmp_path / "tracing",))

    with pytest.raises(NoTracingError, match=r"tracefs is not mounted; as root: mount -t tracefs nodev .*tracing"):
        instance.tracefs()
