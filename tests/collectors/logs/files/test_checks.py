import errno
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from collectors.findings import Finding, Severity
from collectors.logs.files import checks
from collectors.logs.files.checks import file_checks
from collectors.logs.files.content import PlainContent
from collectors.logs.files.positions import Positions
from collectors.logs.files.source import FileSource
from collectors.logs.files.state import FileState
from tests.support.log_files import Agent, Sink, settings
from tests.support.waiting import soon


def findings(source: FileSource, positions: Positions) -> dict[str, Finding]:
    found = [finding for check in file_checks([source], positions) for finding in check.run()]
    assert all(finding.remedy and finding.detail and finding.affects for finding in found)
    return {finding.code: finding for finding in found}


def refused(_: PlainContent, _offset: int, _size: int) -> bytes:
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def quiet_source(folder: Path, change: Callable[[FileState], None]) -> tuple[FileSource, Positions]:
    positions = Positions(folder / "positions.json").load()
    source = FileSource("app", settings(folder / "*.log"), positions)
    source.state.looked, source.state.files = True, 3
    change(source.state)
    return source, positions


async def test_a_source_that_is_well_is_no_finding(agent: Agent, sink: Sink, logs: Path, tmp_path: Path) -> None:
    (logs / "app.log").write_bytes(b"line\n")
    source = await agent.start(sink, settings(logs / "*.log"))
    await soon(lambda: sink.lines)

    assert findings(source, Positions(tmp_path / "none.json").load()) == {}


async def test_a_file_that_cannot_be_read_is_a_failure_until_it_can(
    agent: Agent, sink: Sink, logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    positions = Positions(tmp_path / "none.json").load()
    log = logs / "app.log"
    log.write_bytes(b"line\n")
    source = await agent.start(sink, settings(log, poll=(0.2, 0.2)))
    await soon(lambda: sink.lines)
    with monkeypatch.context() as patch:
        patch.setattr(PlainContent, "read", refused)
        with log.open("ab") as file:
            file.write(b"more\n")
        await soon(lambda: source.state.unreadable)
        found = findings(source, positions)["log-file-unreadable"]
        assert found.severity is Severity.FAILURE
        assert f"{log}: Permission denied" in found.detail
        assert str(log) in found.remedy[0]

    await soon(lambda: findings(source, positions) == {})
    assert sink.lines == [b"line", b"more"]


async def test_a_new_file_that_cannot_be_read_is_a_failure_until_it_is_gone(
    agent: Agent, sink: Sink, logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    positions = Positions(tmp_path / "none.json").load()
    monkeypatch.setattr(PlainContent, "read", refused)
    (logs / "new.log").write_bytes(b"line\n")
    source = await agent.start(sink, settings(logs / "*.log"))
    await soon(lambda: "log-file-unreadable" in findings(source, positions))

    (logs / "new.log").unlink()

    await soon(lambda: [*findings(source, positions)] == ["log-no-match"])


async def test_paths_without_a_file_are_a_warning_until_there_is_one(
    agent: Agent, sink: Sink, logs: Path, tmp_path: Path
) -> None:
    positions = Positions(tmp_path / "none.json").load()
    source = await agent.start(sink, settings(logs / "*.log"))
    assert str(logs / "*.log") in findings(source, positions)["log-no-match"].detail

    (logs / "app.log").write_bytes(b"line\n")

    await soon(lambda: findings(source, positions) == {})


async def test_a_file_that_was_gone_too_soon_is_a_warning(agent: Agent, sink: Sink, logs: Path, tmp_path: Path) -> None:
    log = logs / "app.log"
    log.write_bytes(b"line\n")
    await agent.start(sink, settings(log))
    await soon(lambda: sink.lines)
    await agent.stop()
    log.unlink()
    log.write_bytes(b"other\n")
    source = await agent.start(sink, settings(log))
    await soon(lambda: b"other" in sink.lines)

    found = findings(source, Positions(tmp_path / "none.json").load())
    assert found["log-file-lost"].severity is Severity.WARNING


def test_a_file_system_that_does_not_answer_is_a_failure(tmp_path: Path) -> None:
    def hangs(state: FileState) -> None:
        state.waiting += [("/mnt/a.log", time.monotonic() - 3600), ("/mnt/b.log", time.monotonic())]

    found = findings(*quiet_source(tmp_path, hangs))

    assert [*found] == ["log-file-hangs"]
    assert "/mnt/a.log" in found["log-file-hangs"].detail


async def test_lines_that_wait_for_long_are_a_warning(
    agent: Agent, sink: Sink, logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    positions = Positions(tmp_path / "none.json").load()
    sink.open.clear()
    (logs / "app.log").write_bytes(b"line\n")
    source = await agent.start(sink, settings(logs / "app.log"))
    await soon(lambda: source.lag_seconds)
    assert findings(source, positions) == {}

    monkeypatch.setattr(checks, "_BEHIND_SECONDS", 0.0)
    found = findings(source, positions)["log-behind"]
    assert "5 bytes" in found.detail
    assert "loki-unreachable" in found.depends_on
    sink.open.set()

    await soon(lambda: findings(source, positions) == {})


def test_corrupt_positions_are_a_warning(tmp_path: Path) -> None:
    (tmp_path / "positions.json").write_bytes(b"{")
    source, positions = quiet_source(tmp_path, lambda _: None)

    assert "moved to" in findings(source, positions)["log-positions-corrupt"].detail


async def test_positions_that_cannot_be_saved_are_a_failure_until_they_can(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    positions = Positions(folder / "positions.json").load()
    source = FileSource("app", settings(tmp_path / "*.log"), positions)
    folder.write_text("a file where the folder should be")
    positions.put_cursor("journal", "a")
    await positions.save()
    found = findings(source, positions)["log-positions-unwritable"]
    assert found.severity is Severity.FAILURE
    assert str(folder) in found.detail

    folder.unlink()
    positions.put_cursor("journal", "b")
    await positions.save()

    assert findings(source, positions) == {}
