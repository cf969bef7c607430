from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.site import Site, site

TIMES = 10
"""The factor by which Prometheus and Alertmanager run faster than shipped."""


@pytest.fixture(scope="package", name="site")
def running_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Yield one site for all tests of this folder, as it starts slowly. A test must revert its changes.

    It ends before the worker runs tests of another folder, as it has threads and processes.
    """
    with site(tmp_path_factory.mktemp("site"), times=TIMES) as running:
        yield running
