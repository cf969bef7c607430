import bz2
import gzip
import json
import lzma
import os
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.cli import main
from agent.commands.logs import PROBLEMS
from agent.config.loader import parse

EXAMPLE = Path(__file__).parents[3] / "config.example.toml"

CONFIG = """
loki.url = "http://127.0.0.1:3100"
[[logs.sources]]
name = "engine"
paths = ["/var/log/engine.log"]
stages = [
  { json = { fields = ["time", "level", "user_id"] } },
  { timestamp = { field = "time" } },
  { level = {} },
  { labels = { fields = ["level"] } },
  { structured_metadata = { fields = ["user_id"] } },
  { drop = { pattern = "healthz", reason = "health" } },
]
"""

NOW = datetime.now(UTC)
"""Loki's default limits refuse a line of over a week ago, so the log is one of today."""

LOG = f"""{{"time": "{NOW.isoformat()}", "level": "warn", "user_id": "u7", "message": "late"}}
not JSON at all
{{"time": "{NOW.isoformat()}", "level": "info", "message": "GET /healthz"}}
"""


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG)
    return path


@pytest.fixture
def log_file(tmp_path: Path) -> Path:
    path = tmp_path / "engine.log"
    path.write_text(LOG)
    return path


def test_try_shows_what_would_be_sent(config_file: Path, log_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["logs", "try", "--config", str(config_file), str(log_file)]) == 0

    shown = capsys.readouterr().out
    assert 'level="warn"' in shown
    assert "{'user_id': 'u7'}" in shown
    assert "not JSON at all" in shown
    assert "GET /healthz" not in shown
    assert "3 lines: 2 entries in 2 streams" in shown.splitlines()


def test_try_counts_what_a_stage_could_not_process(
    config_file: Path, log_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["logs", "try", "--config", str(config_file), str(log_file)])

    lines = capsys.readouterr().out.splitlines()
    assert lines[lines.index("3 lines: 2 entries in 2 streams") + 1 :] == [
        "  1 dropped: health",
        "  1 not JSON",
        "  1 without a time, sent with the time of their neighbours",
        "  1 without a known level",
    ]


def test_every_problem_of_a_stage_has_words() -> None:
    stages = Path(__file__).parents[3] / "collectors/logs/stages"
    used = {name for path in stages.glob("*.py") for name in re.findall(r'missed\["(\w+)"\]', path.read_text())}

    assert len(used) > 8
    assert used == PROBLEMS.keys()


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_try_reads_a_compressed_file(
    config_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], pack: Callable[[bytes], bytes]
) -> None:
    suffix = {"gzip": "gz", "bz2": "bz2", "lzma": "xz"}[pack.__module__]
    packed = tmp_path / f"engine.log.1.{suffix}"
    packed.write_bytes(pack(LOG.encode()))

    assert main(["logs", "try", "--config", str(config_file), str(packed)]) == 0
    assert "3 lines: 2 entries in 2 streams" in capsys.readouterr().out


def test_try_prints_json(config_file: Path, log_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["logs", "try", "--json", "--steps", "--config", str(config_file), str(log_file)]) == 0

    document = json.loads(capsys.readouterr().out)
    assert (document["lines"], document["cut_off"], document["dropped"]) == (3, False, {"health": 1})
    assert document["not_processed"] == {"json": 1, "timestamp_missing": 1, "level": 1}
    assert {stream["labels"]["level"] for stream in document["streams"]} == {"warn", "unknown"}
    assert document["streams"][0]["entries"][0]["metadata"] == {"user_id": "u7"}
    assert [step["stage"] for step in document["steps"]][:2] == ["", "json"]


def test_an_empty_input_has_no_line(config_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty.log").touch()

    assert main(["logs", "try", "--config", str(config_file), str(tmp_path / "empty.log")]) == 0
    assert capsys.readouterr().out == f"no lines: {tmp_path}/empty.log is empty\n"


def test_a_file_that_cannot_be_read_is_named(config_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["logs", "try", "--config", str(config_file), "/none.log"]) == 1
    assert capsys.readouterr().err == "wr-agent logs try: cannot read /none.log: No such file or directory\n"


def test_try_shows_every_step(config_file: Path, log_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["logs", "try", "--steps", "--config", str(config_file), str(log_file)]) == 0

    shown = capsys.readouterr().out
    for stage in ("as read", "json", "timestamp", "level", "labels", "structured_metadata", "drop"):
        assert f"\n{stage}\n" in f"\n{shown}"
    assert "dropped: 1 health" in shown


def on_a_terminal(*arguments: str, **environment: str) -> str:
    """Return the output of a command on a terminal."""
    terminal, its_end = os.openpty()
    command = [sys.executable, "-m", "agent", *arguments]
    given = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    with subprocess.Popen(command, stdout=its_end, stderr=its_end, env=given | {"TERM": "xterm"} | environment):
        os.close(its_end)
        written = b""
        with suppress(OSError):  # the end of a terminal without writers
            while data := os.read(terminal, 4096):
                written += data
    os.close(terminal)
    return written.decode()


def test_try_is_in_colour_where_someone_looks(config_file: Path, log_file: Path) -> None:
    arguments = ("logs", "try", "--steps", "--config", str(config_file), str(log_file))
    shown = on_a_terminal(*arguments)

    for stage in ("as read", "json", "drop"):
        assert f"\033[1m{stage}\033[0m" in shown
    assert "\033[2mlabels\033[0m {" in shown
    assert "\033[33m[" in shown  # the mark before what was dropped
    assert '\033[1m{filename="' in shown
    assert "\033" not in on_a_terminal(*arguments, NO_COLOR="1")


def test_a_line_cannot_steer_the_terminal(
    config_file: Path, log_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log_file.write_text('{"level": "\\u001b[2J", "message": 1}\n\x1b]0;owned\x07 tab\there\n')
    assert main(["logs", "try", "--steps", "--config", str(config_file), str(log_file)]) == 0

    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "\\x1b]0;owned\\x07 tab\there" in shown


def test_try_touches_nothing(config_file: Path, log_file: Path, tmp_path: Path) -> None:
    before = sorted(path.name for path in tmp_path.iterdir())

    main(["logs", "try", "--config", str(config_file), str(log_file)])

    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--source", "engin"], "expected --source with the name of a log source; there are engine"),
        (["/no/such/file"], "No such file"),
    ],
)
def test_what_cannot_be_tried_is_one_clear_line(
    config_file: Path, arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["logs", "try", "--config", str(config_file), *arguments]) == 1

    shown = capsys.readouterr().err
    assert expected in shown
    assert len(shown.splitlines()) == 1


def test_the_sources_of_the_example_can_be_used_as_they_stand() -> None:
    text = EXAMPLE.read_text().replace('url = ""', 'url = "http://127.0.0.1:3100"')
    settings, sources = text.split("sources = []\n", 1)
    uncommented = re.sub(r"^# ?", "", sources[sources.index("# [[logs") :], flags=re.MULTILINE)

    config = parse(settings + uncommented, "the example")

    assert [source.name for source in config.logs.sources] == [
        "juce-backend",
        "swift-frontend",
        "syslog",
        "containers",
        "journal",
        "nginx",
        "nginx-error",
        "postgresql",
        "postgresql-csv",
        "postgresql-json",
    ]
