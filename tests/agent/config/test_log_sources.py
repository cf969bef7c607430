"""The shipped sources, on what the real programs wrote."""

import calendar
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.config.loader import parse
from agent.config.log_sources import SOURCES, LogSource, example
from collectors.logs.pipeline import Pipeline, Shown
from collectors.logs.records import Batch
from tests.support.written_logs import write_nginx_logs, write_postgresql_logs

EXAMPLE = Path(__file__).parents[3] / "config.example.toml"
LEVELS = {"LOG": "info", "ERROR": "error", "FATAL": "critical", "WARNING": "warn", "NOTICE": "info", "INFO": "info"}
HEAD = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}) UTC \[\d+\] (?:\S+ )?([A-Z]+):  ")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as made:  # pytest's own folders are closed to other users
        yield Path(made)


@pytest.fixture(scope="module")
def nginx(folder: Path) -> Path:
    (folder / "nginx").mkdir()
    folder.chmod(0o755)
    write_nginx_logs(folder / "nginx")
    return folder / "nginx"


@pytest.fixture(scope="module", params=["default", "verbose"])
def postgresql(folder: Path, request: pytest.FixtureRequest) -> Path:
    made = folder / f"postgresql-{request.param}"
    made.mkdir()
    folder.chmod(0o755)
    write_postgresql_logs(made, request.param)
    return made


def entries(source: LogSource, path: Path) -> list[Shown]:
    """Return the entries that a source makes of a file."""
    config = parse(f'loki.url = "http://127.0.0.1:3100"\n{source.toml()}', "the source")
    (section,) = config.logs.sources
    lines = path.read_bytes().removesuffix(b"\n").split(b"\n")
    batch = Batch(source.name, lines, time.time_ns(), {}, final=True, untidy=True)
    return Pipeline(source.name, section.stages).explain(batch)[0][-1].entries


def unix_ns(text: str) -> int:
    """Return the time of PostgreSQL's log as Unix nanoseconds."""
    return calendar.timegm(time.strptime(text[:19], "%Y-%m-%d %H:%M:%S")) * 10**9 + int(text[20:23]) * 10**6


def test_the_example_has_these_sources() -> None:
    commented = "".join(f"# {line}".rstrip() + "\n" for line in example().rstrip("\n").split("\n"))

    assert EXAMPLE.read_text().endswith(commented)


def test_nginx_requests_have_their_time_and_status(nginx: Path) -> None:
    found = entries(SOURCES["nginx"][0], nginx / "access.log")

    assert len(found) == 10
    for entry in found:
        line = entry.line.decode()
        (status,) = re.findall(r'" (\d{3}) \d+ "', line)
        (clock,) = re.findall(r'\[(\d\d/\w+/\d{4}:[0-9:]{8}) [+-]\d{4}\] "', line)
        assert entry.labels["status"] == status
        assert time.strftime("%M:%S", time.gmtime(entry.timestamp / 10**9)) == clock[-5:]
        assert abs(entry.timestamp / 10**9 - (nginx / "access.log").stat().st_mtime) < 60
    assert [entry.fields.get("method") for entry in found].count("GET") == 5


@pytest.mark.parametrize("name", ["plain.json", "escaped.json"])
def test_nginx_requests_in_json_have_their_time_and_status(nginx: Path, name: str) -> None:
    found = entries(SOURCES["nginx"][1], nginx / name)

    assert len(found) == 10
    for entry in found:
        (status,) = re.findall(r'"status":"(\d{3})"', entry.line.decode("utf-8", "replace"))
        assert entry.labels["status"] == status
        assert abs(entry.timestamp / 10**9 - (nginx / name).stat().st_mtime) < 60


def test_nginx_errors_have_their_time_and_level(nginx: Path) -> None:
    found = entries(SOURCES["nginx"][2], nginx / "error.log")

    assert found
    assert {entry.labels["level"] for entry in found} <= {"info", "warn", "error", "critical"}
    assert all(abs(entry.timestamp / 10**9 - (nginx / "error.log").stat().st_mtime) < 60 for entry in found)


@pytest.mark.parametrize(
    "source", [each for formats in SOURCES.values() for each in formats], ids=lambda each: each.about
)
def test_hostile_lines_take_time_that_grows_with_their_length(source: LogSource) -> None:
    units = ("[", '"', "[29/Nov/2026:10:00:00 +0000] ", "2026-11-29 ", ",", '"",', "a:", " ", "a ", "\\", "[1] ", "=")
    config = parse(f'loki.url = "http://127.0.0.1:3100"\n{source.toml()}', "the source")
    pipeline = Pipeline(source.name, config.logs.sources[0].stages)
    for unit in units:
        for start in ("", "2026-11-29 10:00:00.000 UTC [1] ", "2026-11-29 10:00:00.000 UTC,"):
            seconds = []
            for size in (1000, 4000):
                line = (start + unit * size)[:size].encode()
                began = time.thread_time()
                pipeline.explain(Batch("s", [line] * 20, 0, {}, final=True))
                seconds.append(time.thread_time() - began)
            assert seconds[1] < 0.5 + 12 * seconds[0], (unit, start)


def written(postgresql: Path) -> list[tuple[str, str, list[str]]]:
    """Return time, severity and lines of each entry in PostgreSQL's own log."""
    found: list[tuple[str, str, list[str]]] = []
    for line in (postgresql / "postgresql.log").read_text().splitlines():
        head = HEAD.match(line)
        if head and head[2] in LEVELS:
            found.append((head[1], head[2], [line]))
        else:
            found[-1][2].append(line)
    return found


def test_postgresql_entries_are_whole_with_time_and_level(postgresql: Path) -> None:
    expected = written(postgresql)
    found = entries(SOURCES["postgresql"][0], postgresql / "postgresql.log")

    assert [entry.line.decode() for entry in found] == ["\n".join(lines) for _, _, lines in expected]
    assert [entry.labels["level"] for entry in found] == [LEVELS[severity] for _, severity, _ in expected]
    assert [entry.timestamp for entry in found] == [unix_ns(clock) for clock, _, _ in expected]
    assert any(b"STATEMENT:  " in entry.line and b"DETAIL:  " in entry.line for entry in found)


def test_postgresql_csv_and_json_have_the_same_entries(postgresql: Path) -> None:
    csv = entries(SOURCES["postgresql"][1], postgresql / "postgresql.csv")
    json = entries(SOURCES["postgresql"][2], postgresql / "postgresql.json")
    expected = [(unix_ns(clock), LEVELS[severity]) for clock, severity, _ in written(postgresql)][-len(json) :]

    assert [(entry.timestamp, entry.labels["level"]) for entry in json] == expected
    assert [(entry.timestamp, entry.labels["level"]) for entry in csv][-len(json) :] == expected
    assert {"critical", "error", "warn", "info"} <= {level for _, level in expected}
