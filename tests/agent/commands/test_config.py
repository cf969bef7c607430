import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.cli import main
from agent.config import loader
from tests.support.written_logs import write_nginx_logs, write_postgresql_logs


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as made:  # pytest's own folders are closed to other users
        path = Path(made)
        path.chmod(0o755)
        for name in ("nginx", "postgresql"):
            (path / name).mkdir()
        write_nginx_logs(path / "nginx")
        write_postgresql_logs(path / "postgresql")
        yield path


def init(tmp_path: Path, *arguments: str) -> Path:
    output = tmp_path / "made.toml"
    assert main(["config", "init", "--output", str(output), *arguments]) == 0
    assert main(["check-config", str(output)]) == 0
    return output


def test_real_programs_get_the_stages_of_their_formats(folder: Path, tmp_path: Path) -> None:
    names = ("nginx/access.log", "nginx/error.log", "nginx/plain.json", "nginx/escaped.json")
    paths = [f"--path=nginx={folder / name}" for name in names]
    made = init(tmp_path, "--source=nginx", "--source=postgresql", *paths, f"--path=postgresql={folder}/postgresql/p*")

    sources = {source.name: source for source in loader.load(made).logs.sources}
    assert {name: sorted(Path(path).name for path in source.paths) for name, source in sources.items()} == {
        "nginx": ["access.log"],
        "nginx-2": ["escaped.json", "plain.json"],
        "nginx-error": ["error.log"],
        "postgresql": ["postgresql.log"],
        "postgresql-csv": ["postgresql.csv"],
        "postgresql-json": ["postgresql.json"],
    }
    assert all(source.stages for source in sources.values())


def test_a_container_an_app_and_a_syslog_are_recognised(tmp_path: Path) -> None:
    lines = {
        "containers": '{"log":"a\\n","stream":"stdout","time":"2026-11-29T10:00:00Z"}\n',
        "juce-backend": '{"time":"2026-11-29T10:00:00Z","level":"info"}\n',
        "swift-frontend": 'time=2026-11-29T10:00:00Z level=INFO msg="a"\n',
        "syslog": "Nov 29 10:00:00 host app[1]: a\n",
    }
    for name, text in lines.items():
        (tmp_path / name).write_text(text)
    made = init(tmp_path, *(f"--path={name}={tmp_path / name}" for name in lines), *(f"--source={n}" for n in lines))

    text = made.read_text()
    assert {source.name for source in loader.load(made).logs.sources} == {*lines}
    assert all(stage in text for stage in ("container = {}", "json = ", "logfmt = ", 'format = "syslog"'))


def test_what_is_left_out_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty.log").touch()
    os.mkfifo(tmp_path / "fifo.log")
    made = init(tmp_path, "--source=nginx", f"--path=nginx={tmp_path}/*.log")

    expected = f"nginx: left out: no readable file with lines matches {tmp_path}/*.log"
    assert expected in capsys.readouterr().err
    assert f"# {expected}" in made.read_text()
    assert loader.load(made).logs.sources == []


def test_an_unknown_format_is_shipped_without_stages(tmp_path: Path) -> None:
    (tmp_path / "odd\t'\"[1].log").write_bytes(b"something\xff else\n")
    made = init(tmp_path, "--source=nginx", f"--path=nginx={tmp_path}/*.log")

    (source,) = loader.load(made).logs.sources
    assert (source.paths, source.stages) == ([f"{tmp_path}/*.log"], [])


def test_no_file_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "made.toml"
    output.write_text("mine")

    assert main(["config", "init", "--output", str(output)]) == 1
    assert "File exists" in capsys.readouterr().err
    assert output.read_text() == "mine"


def test_all_sources_of_this_machine_make_a_valid_configuration(tmp_path: Path) -> None:
    made = init(tmp_path)

    assert made.read_text().count("# ") >= 7
