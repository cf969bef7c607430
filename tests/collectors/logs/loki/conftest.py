from collections.abc import Iterator

import pytest

from tests.support.loki import Loki, loki


@pytest.fixture
def server() -> Iterator[Loki]:
    """A Loki of its own, with Loki's default limits."""
    with loki() as running:
        yield running
