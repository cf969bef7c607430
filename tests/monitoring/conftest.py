from pathlib import Path

import pytest

from tests.support.monitoring import rendered


@pytest.fixture(scope="session")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the configuration that start.sh writes. promtool and amtool have accepted it."""
    return rendered(tmp_path_factory.mktemp("stack"))
