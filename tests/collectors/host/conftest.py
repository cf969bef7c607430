from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.collectors.host.support import Tree


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A machine of our own making: writes what its files say."""

    def write(files: Mapping[str, str | bytes]) -> Path:
        for path, content in files.items():
            target = tmp_path / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.encode() if isinstance(content, str) else content)
        return tmp_path

    return write
