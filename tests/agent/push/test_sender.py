import asyncio
import contextlib
import random
import struct
import time
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from agent.config.remote_write import RemoteWriteConfig, RemoteWriteUrl
from agent.push.future import FutureGuard
from agent.push.health import Health, QueueState
from agent.push.queue import Queue
from agent.push.record import Layout, Record
from agent.push.sender import Sender
from agent.push.wire import HEADERS, encode_labels
from collectors.http_push.poster import Poster
from collectors.http_push.receiver_clock import ReceiverClock
from collectors.offloop import Worker
from collectors.units import Duration
from tests.support.waiting import soon
from tests.support.write_requests import Receiver, Reply, Sample, receiver

PROBE = "wr_agent_remote_write_probe"
NOW = time.time_ns() // 1_000_000


class Push:
    """A sender with its queue, on the event loop."""

    def __init__(self, folder: Path, config: RemoteWriteConfig) -> None:
        self.queue = Queue(folder / "queue", 64 << 20, 1e6, 1, lambda *_: None)
        self.queue.open()
        self.health = Health(config, self._state)
        self.ahead = 0
        clock = ReceiverClock(ours=lambda: time.time_ns() + self.ahead)
        poster = Poster(config, config.url, HEADERS, dated=clock.answered)
        self.poster = poster
        guard = FutureGuard(poster, clock)
        probe = encode_labels({"__name__": PROBE})
        self.sender = Sender(config, self.queue, Worker("test"), guard, self.health, probe)
        self._layouts: dict[tuple[str, ...], Layout] = {}

    def add(self, at: int, **values: float) -> None:
        """Add a record at a time in seconds from now."""
        names = tuple(values)
        layout = self._layouts.setdefault(names, Layout(tuple(encode_labels({"__name__": it}) for it in names)))
        packed = struct.pack(f"<{len(values)}d", *values.values())
        self.queue.append(Record(0, NOW + 1000 * at, layout, packed))
        self.sender.added()

    async def sent(self) -> None:
        """Wait until the queue is empty."""
        await soon(lambda: not self.queue.size, "everything is sent")

    def counts(self, name: str) -> dict[str, float]:
        """Return the values of a family by their label, `""` without one."""
        (family,) = [it for it in self.health.families() if it.name == f"wr_agent_remote_write_{name}"]
        return {"".join(labels): float(value) for labels, value in family.samples.items()}  # type: ignore[arg-type]

    def codes(self) -> list[str]:
        """Return the codes of all findings."""
        return [finding.code for check in self.health.checks() for finding in check.run()]

    def _state(self) -> QueueState:
        return QueueState(self.queue.size, self.queue.oldest_pending, self.queue.newest)


@contextlib.asynccontextmanager
async def pushing(folder: Path, url: str, patience: float = 5.0) -> AsyncIterator[Push]:
    config = RemoteWriteConfig(
        url=RemoteWriteUrl(url), timeout=Duration(patience), longest_wait=Duration(0.1), interval=Duration(1.0)
    )
    push = Push(folder, config)
    async with push.poster:
        running = asyncio.create_task(push.sender.run())
        yield push
        running.cancel()
        await asyncio.wait({running})
        assert running.cancelled()


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiver() as its:
        yield its


def values(samples: list[Sample], name: str) -> list[float]:
    """Return the values of a series, in the order of arrival, each once."""
    return list(dict.fromkeys(one.value for one in samples if one.name == name))


def names(samples: list[Sample]) -> set[str]:
    return {one.name for one in samples}


async def test_records_arrive_in_order_with_the_headers_of_the_protocol(tmp_path: Path, server: Receiver) -> None:
    async with pushing(tmp_path, server.url) as push:
        for at in range(50):
            push.add(at, up=1.0, load=float(at))
        await push.sent()

    assert values(server.stored, "load") == [float(at) for at in range(50)]
    assert [one.time for one in server.stored if one.name == "up"] == [NOW + 1000 * at for at in range(50)]
    assert server.headers[0].items() >= HEADERS.items()
    assert push.counts("samples_sent_total") == {"": 100.0}


@pytest.mark.parametrize("status", [400, 409, 422])
async def test_a_refused_series_costs_itself_alone(tmp_path: Path, server: Receiver, status: int) -> None:
    server.rule = lambda samples: Reply(status, "no such label") if "bad" in names(samples) else Reply(204)
    async with pushing(tmp_path, server.url) as push:
        for at in range(4):
            push.add(at, up=1.0, **{f"s{n}": float(at) for n in range(40)}, bad=1.0, last=float(at))
        await push.sent()

    assert values(server.stored, "s17") == values(server.stored, "last") == [0.0, 1.0, 2.0, 3.0]
    assert "bad" not in names(server.stored)
    assert push.counts("samples_failed_total") == {"refused": 4.0}
    assert push.codes() == ["remote-write-series-refused"]


async def test_a_known_bad_series_costs_few_requests(tmp_path: Path, server: Receiver) -> None:
    server.rule = lambda samples: Reply(400, "no such label") if "bad" in names(samples) else Reply(204)
    async with pushing(tmp_path, server.url) as push:
        push.add(0, up=1.0, bad=1.0, **{f"s{n}": 0.0 for n in range(400)})
        await push.sent()
        before = len(server.requests)
        for at in range(1, 6):
            push.add(at, up=1.0, bad=1.0, **{f"s{n}": 0.0 for n in range(400)})
            await push.sent()

    assert len(server.requests) - before <= 5 * 3


async def test_one_bad_sample_does_not_cost_the_series(tmp_path: Path, server: Receiver) -> None:
    def rule(samples: list[Sample]) -> Reply:
        return Reply(400, "no") if any(one.name == "odd" and one.value == 2.0 for one in samples) else Reply(204)

    server.rule = rule
    async with pushing(tmp_path, server.url) as push:
        for at in range(6):
            push.add(at, up=1.0, odd=float(at), other=float(at))
        await push.sent()

    assert values(server.stored, "odd") == [0.0, 1.0, 3.0, 4.0, 5.0]
    assert values(server.stored, "other") == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]


async def test_a_series_that_always_fails_does_not_stop_the_rest(tmp_path: Path, server: Receiver) -> None:
    server.rule = lambda samples: Reply(500, "label is not unique") if "twice" in names(samples) else Reply(204)
    async with pushing(tmp_path, server.url) as push:
        for at in range(3):
            push.add(at, up=1.0, **{f"s{n}": float(at) for n in range(20)}, twice=1.0)
        await push.sent()

    assert values(server.stored, "s19") == [0.0, 1.0, 2.0]
    assert push.counts("samples_failed_total") == {"refused": 3.0}


@pytest.mark.parametrize(
    "reply",
    [
        Reply(400, "not configured"),
        Reply(400, "<html><title>400</title></html>"),
        Reply(401, "who are you"),
        Reply(404, "page not found"),
        Reply(429, "later"),
        Reply(500, "disk full"),
        Reply(502, "<html><title>502</title></html>"),
        Reply(503, "starting"),
        Reply(200, "<!doctype html><title>Sign in</title>"),
        Reply(302, "", {"Location": "/login"}),
    ],
)
async def test_a_receiver_that_takes_nothing_loses_nothing(tmp_path: Path, server: Receiver, reply: Reply) -> None:
    server.rule = lambda _: reply
    async with pushing(tmp_path, server.url) as push:
        for at in range(5):
            push.add(at, up=1.0, a=float(at), b=float(at))
        await soon(lambda: len(server.requests) > 12, "several attempts")
        assert push.codes()[0] in {"remote-write-refuses", "remote-write-unreachable", "remote-write-rate-limited"}
        server.rule = lambda _: Reply(204)
        await push.sent()
        assert push.codes() in ([], ["remote-write-rate-limited"])

    assert values(server.stored, "a") == values(server.stored, "b") == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert push.counts("samples_failed_total") == {}


async def test_a_request_too_large_is_sent_in_parts(tmp_path: Path, server: Receiver) -> None:
    server.rule = lambda samples: Reply(413) if len(samples) > 7 else Reply(204)
    async with pushing(tmp_path, server.url) as push:
        for at in range(5):
            push.add(at, **{f"s{n}": float(at) for n in range(10)})
        await push.sent()

    assert all(values(server.stored, f"s{n}") == [0.0, 1.0, 2.0, 3.0, 4.0] for n in range(10))


async def test_the_pause_that_an_answer_asks_for_is_kept(tmp_path: Path, server: Receiver) -> None:
    replies = [Reply(429, "later", {"Retry-After": "1"})]
    server.rule = lambda samples: replies.pop() if replies and samples else Reply(204)
    async with pushing(tmp_path, server.url) as push:
        began = time.monotonic()
        push.add(0, up=1.0)
        await push.sent()

    assert time.monotonic() - began >= 1.0
    assert [status for status, samples in server.requests if samples] == [429, 204]


async def test_no_request_comes_before_the_time_that_an_answer_asks_for(tmp_path: Path, server: Receiver) -> None:
    """The requests that look for the cause of a server error wait, too."""
    begun: list[tuple[float, bool]] = []

    def rule(samples: list[Sample]) -> Reply:
        refused = "bad" in names(samples) and sum(refused for _, refused in begun) < 5
        begun.append((time.monotonic(), refused))
        return Reply(503, "later", {"Retry-After": "1"}) if refused else Reply(204)

    server.rule = rule
    async with pushing(tmp_path, server.url) as push:
        push.add(0, up=1.0, bad=1.0)
        await push.sent()

    gaps = [later - earlier for (earlier, refused), (later, _) in pairwise(begun) if refused]
    assert len(gaps) == 5
    assert min(gaps) >= 1.0
    assert names(server.stored) == {"up", "bad"}


@pytest.mark.parametrize("status", [400, 500])
async def test_a_sample_that_fails_by_chance_is_not_lost(tmp_path: Path, server: Receiver, status: int) -> None:
    """All others are stored while one sample fails some times: in a large request, then alone."""
    failures = iter(range(9))
    server.rule = lambda samples: Reply(
        status if "unlucky" in names(samples) and next(failures, None) is not None else 204
    )
    async with pushing(tmp_path, server.url) as push:
        push.add(0, up=1.0, unlucky=2.0, load=3.0)
        await push.sent()

    assert next(failures, None) is None
    assert names(server.stored) == {"up", "unlucky", "load"}
    assert push.counts("samples_failed_total") == {}


async def test_a_series_that_always_fails_costs_later_snapshots_no_pause_and_no_log(
    tmp_path: Path, server: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the longest pauses of half a minute, the rest would arrive later and later."""
    server.rule = lambda samples: Reply(500 if "bad" in names(samples) else 204)
    pauses: list[int] = []

    def noted(waits: int, _: object = None) -> float:
        pauses.append(waits)
        return 0.0

    async with pushing(tmp_path, server.url) as push:
        push.add(0, up=0.0, bad=0.0)
        await push.sent()
        monkeypatch.setattr(push.poster, "pause", noted)
        with capture_logs() as logged:
            for at in range(1, 30):
                push.add(at, up=float(at), bad=float(at))
            await push.sent()

    assert logged == []
    assert values(server.stored, "up") == [float(at) for at in range(30)]
    assert push.counts("samples_failed_total") == {"refused": 30.0}
    assert pauses == []


async def test_many_series_that_always_fail_do_not_stop_the_rest(tmp_path: Path, server: Receiver) -> None:
    server.rule = lambda samples: Reply(500 if any(one.name.startswith("bad") for one in samples) else 204)
    bad = {f"bad{n}": 1.0 for n in range(5)}
    async with pushing(tmp_path, server.url) as push:
        for at in range(3):
            push.add(at, **bad, up=float(at), load=float(at))
        await push.sent()

    assert values(server.stored, "up") == values(server.stored, "load") == [0.0, 1.0, 2.0]
    assert push.counts("samples_failed_total") == {"refused": 15.0}


async def test_a_receiver_that_hangs_is_asked_again(tmp_path: Path, server: Receiver) -> None:
    hangs = [1.0]

    def rule(_: list[Sample]) -> Reply:
        if hangs:
            time.sleep(hangs.pop())
        return Reply(204)

    server.rule = rule
    async with pushing(tmp_path, server.url, patience=0.3) as push:
        push.add(0, up=1.0)
        await push.sent()
        await soon(lambda: len(server.requests) == 2, "both requests have their answers")


async def test_samples_too_old_for_the_receiver_are_counted_by_reason(tmp_path: Path, server: Receiver) -> None:
    def rule(samples: list[Sample]) -> Reply:
        return Reply(400, "out of bounds") if any(one.time < NOW - 3_600_000 for one in samples) else Reply(204)

    server.rule = rule
    async with pushing(tmp_path, server.url) as push:
        for at in range(-7200, 0, 600):
            push.add(at, up=1.0, load=float(at))
        await push.sent()

    assert values(server.stored, "load") == [float(at) for at in range(-3600, 0, 600)]
    assert push.counts("samples_failed_total") == {"out_of_bounds": 12.0}


async def test_what_was_stored_before_a_kill_is_no_failure(tmp_path: Path, server: Receiver) -> None:
    async with pushing(tmp_path, server.url) as push:
        push.add(0, up=1.0, load=0.0)
        push.add(1, up=1.0, load=1.0)
        await push.sent()
        push.queue.send(range(2, 4))
        push.queue.close()

    def rule(samples: list[Sample]) -> Reply:
        return Reply(400, "out of order sample") if any(one.time <= NOW + 3000 for one in samples) else Reply(204)

    server.rule = rule
    async with pushing(tmp_path, server.url) as push:
        for at in (2, 3, 4):
            push.add(at, up=1.0, load=float(at))
        await push.sent()

    assert values(server.stored, "load") == [0.0, 1.0, 4.0]
    assert push.counts("samples_failed_total") == {}


async def test_the_newest_overtake_where_the_receiver_takes_any_order(tmp_path: Path, server: Receiver) -> None:
    server.rule = lambda _: Reply(503)
    async with pushing(tmp_path, server.url) as push:
        for at in range(-12000, 0, 10):
            push.add(at, **{f"s{n}": float(at) for n in range(20)})
        server.rule = lambda _: Reply(204)
        await push.sent()

    arrived = [int(one.value) for one in server.stored if one.name == "s0"]
    assert sorted(set(arrived)) == list(range(-12000, 0, 10))
    assert arrived.index(-10) < 600
    overtaken = [at for at in arrived if at < -80]
    assert overtaken == sorted(overtaken)


async def test_nothing_overtakes_where_the_receiver_wants_order(tmp_path: Path, server: Receiver) -> None:
    newest: dict[str, int] = {}

    def rule(samples: list[Sample]) -> Reply:
        for one in samples:
            if one.time < newest.get(one.name, 0):
                return Reply(400, "out of order sample")
        newest.update({one.name: one.time for one in samples})
        return Reply(204)

    server.rule = lambda _: Reply(503)
    async with pushing(tmp_path, server.url) as push:
        for at in range(-12000, 0, 10):
            push.add(at, **{f"s{n}": float(at) for n in range(20)})
        server.rule = rule
        await push.sent()

    assert values(server.stored, "s0") == [float(at) for at in range(-12000, 0, 10)]
    assert push.counts("samples_failed_total") == {}


async def test_the_past_is_sent_at_the_configured_rate(tmp_path: Path, server: Receiver) -> None:
    rate = 100_000
    chance = random.Random(1)  # noqa: S311 - no secret
    config = RemoteWriteConfig(url=RemoteWriteUrl(server.url), rate=rate, interval=Duration(1.0))  # type: ignore[arg-type]
    push = Push(tmp_path, config)
    for at in range(-300, 0):
        push.add(at, **{f"s{n}": chance.random() for n in range(200)})
    async with push.poster:
        began = time.monotonic()
        while await push.sender.send_next():
            pass
        seconds = time.monotonic() - began

    sent = push.counts("bytes_total")[""]
    assert sent > 5 * rate
    assert sent / seconds < 1.5 * rate
