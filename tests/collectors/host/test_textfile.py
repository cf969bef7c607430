from __future__ import annotations

import os
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from collectors.host.collector import HostCollector
from collectors.host.config import HostConfig
from collectors.host.textfile import TextFiles
from collectors.metrics import Family, gauge
from tests.collectors.host.support import samples_of

HOST = [gauge("node_load1", "1m load average.", 0.5)]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path


def _families(directory: Path, **files: str) -> list[Family]:
    for name, text in files.items():
        (directory / f"{name}.prom").write_text(text)
    return _read_now(TextFiles(str(directory)))


def _read_now(files: TextFiles) -> list[Family]:
    files.read()
    return files.families(HOST)


def _error(families: list[Family]) -> float:
    return samples_of(families, "node_textfile_scrape_error")[()]


def _read(families: list[Family], directory: Path) -> set[str]:
    files = samples_of(families, "node_textfile_mtime_seconds")
    return {str(Path(path).relative_to(directory)) for (path,) in files}


def test_what_files_say_is_exported_with_the_time_they_were_written(directory: Path) -> None:
    (directory / "ignored.txt").write_text("nonsense")
    os.utime(_write(directory / "a.prom", "backup_ok 1\n"), ns=(0, 1_700_000_000_900_000_000))

    found = _read_now(TextFiles(str(directory)))

    assert samples_of(found, "backup_ok") == {(): 1}
    assert samples_of(found, "node_textfile_mtime_seconds") == {(str(directory / "a.prom"),): 1_700_000_000}
    assert _error(found) == 0


def _write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "bad",
    [
        "half 1\nwrit",
        "wr_agent_build_info 1\n",
        "up 1\n",
        "node_load1 1\n",
        "# TYPE node_load1 histogram\nnode_load1_sum 1\nnode_load1_count 1\n",
        "# TYPE ok counter\nok 1\n",
        "ok 3\n",
        "# TYPE ok gauge\nok 3\n",
        "big 1\n" * 200_000,
    ],
)
def test_a_file_that_cannot_be_taken_costs_itself_alone(directory: Path, bad: str) -> None:
    found = _families(directory, a="# TYPE ok gauge\nok 1\n", b=bad, c="other 2\n")

    assert _error(found) == 1
    assert _read(found, directory) == {"a.prom", "c.prom"}
    assert samples_of(found, "ok") == {(): 1}
    assert samples_of(found, "other") == {(): 2}
    assert len(found) == 4


def test_files_may_share_a_family(directory: Path) -> None:
    found = _families(directory, a='disk_ok{disk="a"} 1\n', b='disk_ok{disk="b"} 0\n')

    assert _error(found) == 0
    assert [family.samples for family in found if family.name == "disk_ok"] == [{("a",): 1}, {("b",): 0}]


def test_a_file_is_read_again_when_it_has_changed_and_gone_when_it_is(directory: Path) -> None:
    files = TextFiles(str(directory))
    path = _write(directory / "a.prom", "jobs 1\n")
    assert samples_of(_read_now(files), "jobs") == {(): 1}

    _write(directory / "new", "jobs 2\n").replace(path)
    assert samples_of(_read_now(files), "jobs") == {(): 2}

    path.unlink()
    assert [family.name for family in _read_now(files) if family.samples] == ["node_textfile_scrape_error"]


def test_files_have_a_size_together_too(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collectors.host.textfile._MOST_BYTES_TOGETHER", 20)

    found = _families(directory, a="first_sample 1\n", b="second_sample 2\n", c="ok 3\n")

    assert _error(found) == 1
    assert _read(found, directory) == {"a.prom", "c.prom"}


def test_a_refusal_is_logged_once_with_its_reason(directory: Path) -> None:
    (directory / "a.prom").write_text("node_load1 1\n")
    files = TextFiles(str(directory))

    with capture_logs() as logs:
        _read_now(files)
        _read_now(files)

    assert [(log["file"], log["error"]) for log in logs] == [
        (str(directory / "a.prom"), "node_load1 (unknown) contradicts node_load1, which is there already")
    ]


def test_a_directory_that_was_asked_for_must_be_there(directory: Path) -> None:
    assert _error(_read_now(TextFiles(str(directory / "absent")))) == 1


def test_the_collector_refuses_what_contradicts_it(directory: Path) -> None:
    (directory / "a.prom").write_text("node_load1 1\n")
    (directory / "b.prom").write_text("node_studio_ok 1\n")

    found = HostCollector(HostConfig(textfile_directory=str(directory))).collect()

    assert samples_of(found, "node_studio_ok") == {(): 1}
    assert _error(found) == 1
    assert len([family for family in found if family.name == "node_load1"]) == 1
