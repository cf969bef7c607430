from pathlib import Path

import pytest
from structlog.testing import capture_logs

from collectors.plugins.services import ServiceFile


def test_services_are_kept_over_restarts(tmp_path: Path) -> None:
    ServiceFile(tmp_path).write({"reverb": "backend"})
    ServiceFile(tmp_path).write({"reverb": "backend", "synth": "engine"})

    assert ServiceFile(tmp_path).read() == {"reverb": "backend", "synth": "engine"}


def test_a_missing_file_is_no_problem(tmp_path: Path) -> None:
    with capture_logs() as lines:
        assert ServiceFile(tmp_path).read() == {}

    assert lines == []


@pytest.mark.parametrize("content", [b"", b"[1]", b'{"reverb": 1}', b"\xff", b"x" * (2 << 20)])
def test_a_damaged_file_is_logged_and_left_out(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "plugin_services.json").write_bytes(content)
    with capture_logs() as lines:
        assert ServiceFile(tmp_path).read() == {}

    assert [line["event"] for line in lines] == ["cannot read the services of plugins"]


def test_a_disk_that_takes_nothing_is_logged(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with capture_logs() as lines:
        ServiceFile(tmp_path / "file").write({"reverb": "backend"})

    assert [line["event"] for line in lines] == ["cannot keep the services of plugins"]


def test_nothing_is_kept_without_a_state_directory() -> None:
    ServiceFile(None).write({"reverb": "backend"})

    assert ServiceFile(None).read() == {}
