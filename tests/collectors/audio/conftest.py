from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.jackd import Jackd, running_jackd


@pytest.fixture
def jackd() -> Iterator[Jackd]:
    """A running JACK server of this test's own: 256 frames at 48 kHz."""
    with running_jackd() as server:
        yield server
