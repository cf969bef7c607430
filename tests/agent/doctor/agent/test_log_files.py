from pathlib import Path

from agent.config.loader import parse
from agent.config.schema import Config
from agent.doctor.agent import log_files
from tests.agent.doctor.support import MYSELF, STRANGER, codes

LOGS = """
loki.url = "{url}"
[[logs.sources]]
name = "engine"
paths = ["{paths}"]
labels = {{ service = "engine", room = "a" }}
stages = [
  {{ json = {{ fields = ["level", "trace"] }} }},
  {{ labels = {{ fields = ["level"] }} }},
  {{ structured_metadata = {{ fields = ["trace"] }} }},
]
"""


def source(paths: str) -> Config:
    return parse(LOGS.format(url="http://127.0.0.1:1", paths=paths), "test")


def test_log_files_that_the_agents_user_cannot_read(open_folder: Path) -> None:
    closed, opened = open_folder / "closed.log", open_folder / "opened.log"
    for file, mode in ((closed, 0o600), (opened, 0o644)):
        file.write_text("line\n")
        file.chmod(mode)
    config = source(f"{open_folder}/*.log")

    (found,) = log_files.check(config.logs.sources, STRANGER)

    assert found.code == "log-file-unreadable"
    assert str(closed) in found.detail
    assert str(opened) not in found.detail
    assert codes(log_files.check(config.logs.sources, MYSELF)) == []


def test_a_source_without_files(tmp_path: Path) -> None:
    assert codes(log_files.check(source(f"{tmp_path}/*.log").logs.sources, MYSELF)) == ["log-no-match"]
