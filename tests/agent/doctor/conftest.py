import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.agent.doctor.support import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Writes files of a machine, by their paths below its root, and returns the root."""

    def write(files: Mapping[str, str]) -> Path:
        for path, text in files.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
        return tmp_path

    return write


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everyone may enter, which pytest's own are not."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)
