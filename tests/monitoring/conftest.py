from pathlib import Path

import pytest

from tests.support.monitoring import rendered


@pytest.fixture(scope="session")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration that start.sh makes, which promtool and amtool have accepted."""
    return rendered(tmp_path_factory.mktemp("stack"))
