from __future__ import annotations

import time

import pytest

from collectors.host.timex import _STATUS_NANO, Timex, _Timex, families
from tests.collectors.host.support import samples_of


@pytest.mark.parametrize(("status", "offset"), [(0, 0.5), (_STATUS_NANO, 0.0005)])
def test_the_status_says_what_the_offset_is_counted_in(status: int, offset: float) -> None:
    found = families(_Timex(status=status, offset=500_000, maxerror=500_000, freq=65536), synchronized=True)

    assert samples_of(found, "node_timex_offset_seconds") == {(): offset}
    assert samples_of(found, "node_timex_maxerror_seconds") == {(): 0.5}
    assert samples_of(found, "node_timex_frequency_adjustment_ratio") == {(): 1 + 1e-6}
    assert samples_of(found, "node_timex_sync_status") == {(): 1}


def test_the_structure_is_the_kernels() -> None:
    tick = samples_of(Timex().families(), "node_timex_tick_seconds")[()]

    # The kernel takes no tick that is further from a hundredth of a second than a tenth of that.
    assert tick == pytest.approx(0.01, rel=0.1)
    assert time.clock_getres(time.CLOCK_REALTIME) < 1
