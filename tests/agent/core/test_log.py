"""The agent's log in a file that rotates."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from agent.core import log


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Give back the root logger as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    for handler in set(root.handlers) - set(handlers):
        with contextlib.suppress(OSError):  # a full disk
            handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_lines_are_json_that_only_the_user_can_read(tmp_path: Path) -> None:
    file = tmp_path / "agent.log"
    log.configure("info", "console")
    log.keep(file)
    structlog.get_logger().info("serving", url="http://127.0.0.1:9787")

    (line,) = file.read_text().splitlines()
    assert json.loads(line)["event"] == "serving"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_file_is_rotated_and_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "MOST_BYTES", 2000)
    log.configure("info", "json")
    log.keep(tmp_path / "agent.log")
    for number in range(200):
        structlog.get_logger().info("line", number=number)

    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["agent.log", "agent.log.1"]
    assert all(path.stat().st_size <= 2000 for path in tmp_path.iterdir())
    assert json.loads((tmp_path / "agent.log").read_text().splitlines()[-1])["number"] == 199


def test_a_new_configuration_keeps_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("info", "json")
    log.keep(tmp_path / "agent.log", instead_of_stderr=True)
    log.configure("warning", "json")
    structlog.get_logger().info("quiet")
    structlog.get_logger().warning("loud")

    assert [json.loads(line)["event"] for line in (tmp_path / "agent.log").read_text().splitlines()] == ["loud"]
    assert capsys.readouterr().err == ""


def test_a_full_disk_loses_lines_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("info", "json")
    log.keep(Path("/dev/full"))
    structlog.get_logger().info("lost")

    assert "Traceback" not in capsys.readouterr().err


def test_a_service_of_systemd_is_kept_by_the_journal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    by_hand = log.is_kept()
    monkeypatch.setitem(os.environ, "JOURNAL_STREAM", "8:1234")
    under_systemd = log.is_kept()
    monkeypatch.delenv("JOURNAL_STREAM")
    log.keep(tmp_path / "agent.log")

    assert (by_hand, under_systemd, log.is_kept()) == (False, True, True)
