from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.site import Site, site

TIMES = 10
"""How much faster than as shipped Prometheus and Alertmanager run here."""


@pytest.fixture(scope="session", name="site")
def running_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One for all tests, as it takes long to start: what a test changes it must put right again."""
    with site(tmp_path_factory.mktemp("site"), times=TIMES) as running:
        yield running
