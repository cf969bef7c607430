import time
from pathlib import Path

from tests.agent.push.test_sender import names, pushing, server, values
from tests.support.waiting import soon
from tests.support.write_requests import Receiver

__all__ = ["server"]  # the fixture

DAY = 86_400


async def test_a_sample_from_the_future_is_refused_and_the_rest_is_sent(tmp_path: Path, server: Receiver) -> None:
    async with pushing(tmp_path, server.url) as push:
        push.add(0, up=1.0)
        push.add(2 * DAY, up=2.0, ahead=1.0)
        push.add(DAY // 2, up=3.0)
        await push.sent()

    assert values(server.stored, "up") == [1.0, 3.0], "half a day ahead is visible at the centre"
    assert "ahead" not in names(server.stored)
    assert push.counts("samples_failed_total") == {"too_new": 2.0}


async def test_samples_wait_while_the_clocks_disagree_by_over_a_day(tmp_path: Path, server: Receiver) -> None:
    async with pushing(tmp_path, server.url) as push:
        push.ahead = 3 * DAY * 10**9
        push.add(3 * DAY, up=1.0)
        await soon(lambda: "remote-write-refuses" in push.codes(), "the push says why it waits")
        assert push.queue.size
        push.ahead = 0
        push.add(5, up=2.0)
        await push.sent()

    assert values(server.stored, "up") == [2.0]
    assert push.counts("samples_failed_total") == {"too_new": 1.0}


async def test_samples_wait_if_the_receiver_has_the_wrong_clock(tmp_path: Path, server: Receiver) -> None:
    async with pushing(tmp_path, server.url) as push:
        push.ahead = 3 * DAY * 10**9
        push.add(3 * DAY, up=1.0)
        await soon(lambda: "remote-write-clock" in push.codes() or push.queue.size, "it waits")
        started = time.monotonic()
        await soon(lambda: time.monotonic() - started > 0.5, "a while")

    assert push.queue.size
    assert push.counts("samples_failed_total") == {}
