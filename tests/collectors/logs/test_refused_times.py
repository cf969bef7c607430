"""Refused times with the stand-in of Loki: every line is stored once, also after a crash in between."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from collectors.http_push.receiver_clock import ReceiverClock
from collectors.logs.config import SourceConfig
from collectors.logs.delivery import Delivery
from collectors.logs.loki.client import LokiClient
from collectors.logs.loki.config import LokiConfig, LokiUrl
from collectors.logs.records import Batch
from collectors.logs.stages.config import StageConfig
from collectors.logs.stages.json import JsonConfig
from collectors.logs.stages.timestamp import TimestampConfig
from collectors.logs.times.rfc3339 import rfc3339_text
from collectors.units import Duration
from tests.support.loki import Loki, loki
from tests.support.waiting import PATIENCE

SECOND = 10**9
HOUR = 3600 * SECOND
TIMED: list[StageConfig] = [
    JsonConfig(fields=["time"]),
    TimestampConfig(field="time", max_age=Duration(1e9), max_ahead=Duration(1e9)),
]


@pytest.fixture
def server() -> Iterator[Loki]:
    with loki() as running:
        yield running


@pytest.fixture
async def client(server: Loki) -> AsyncIterator[LokiClient]:
    config = LokiConfig(url=LokiUrl(server.url), longest_wait=Duration(0.2), timeout=Duration(5.0))
    async with LokiClient(config) as running:
        yield running


def line(ago: int, number: int = 0) -> bytes:
    return b'{"time":"%s","number":%d}' % (rfc3339_text(time.time_ns() - ago).encode(), number)


class Log:
    """A log with its history, as a source keeps it."""

    def __init__(self, folder: Path, stages: list[StageConfig] | None = None) -> None:
        self.config = SourceConfig(name="s", paths=["/x"], stages=TIMED if stages is None else stages)
        self.folder = folder
        self.recent = b""
        self.recorded: list[bytes] = []

    async def send(self, client: LokiClient, *lines: bytes, read_ns: int = 0, more_ns: int = 0) -> None:
        batch = Batch("s", list(lines), read_ns or time.time_ns() + more_ns, {"filename": "/x"}, final=True)
        batch.recent = self.recent
        batch.record = self._record
        delivery = Delivery(self.config, client, self.folder, asyncio.Lock())
        assert await asyncio.wait_for(delivery.handle(batch), PATIENCE) == len(lines)
        assert delivery.sent == len(lines)
        assert not delivery.dropped
        self.recent = batch.recent

    async def _record(self, recent: bytes) -> None:
        self.recorded.append(recent)


def sent_lines(server: Loki) -> list[str]:
    return sorted(server.lines())


@pytest.mark.parametrize("ago", [8 * 24 * HOUR, 400 * 24 * HOUR, 2 * HOUR, -20 * 60 * SECOND, -5 * HOUR, -99999 * HOUR])
async def test_one_line_with_a_refused_time_is_stored_with_its_own_as_original(
    server: Loki, client: LokiClient, tmp_path: Path, ago: int
) -> None:
    log = Log(tmp_path)
    lines = [line(0, 1), line(ago, 2), line(-SECOND, 3)]
    await log.send(client, lines[0])
    await log.send(client, lines[1])
    await log.send(client, lines[2])

    assert sent_lines(server) == sorted(it.decode() for it in lines)
    odd = next(it for it in server.entries() if it.line == lines[1].decode())
    assert odd.metadata["original_time"] in odd.line
    assert server.report()["exact_doubles"] == 0


async def test_within_one_batch_the_good_lines_keep_their_times(
    server: Loki, client: LokiClient, tmp_path: Path
) -> None:
    lines = [line(8 * 24 * HOUR + number * SECOND, number) for number in range(5)]
    lines += [line((100 - number) * SECOND, number) for number in range(5, 80)]
    lines += [line(-HOUR, number) for number in range(80, 85)]
    await Log(tmp_path).send(client, *lines)

    entries = {it.line: it for it in server.entries()}
    assert len(entries) == len(server.entries()) == 85
    assert [number for number in range(85) if "original_time" in entries[lines[number].decode()].metadata] == [
        *range(5),
        *range(80, 85),
    ]


@pytest.mark.parametrize("ahead", [HOUR, 30 * 24 * HOUR, -30 * 24 * HOUR])
async def test_lines_without_a_time_under_a_wrong_clock_are_stored(
    server: Loki, client: LokiClient, tmp_path: Path, ahead: int
) -> None:
    log = Log(tmp_path, [])
    await log.send(client, *[b"while wrong %d" % number for number in range(50)], more_ns=ahead)
    await log.send(client, *[b"corrected %d" % number for number in range(50)])

    assert len(server.lines()) == 100
    assert all(abs(it.ns - time.time_ns()) < 2 * HOUR for it in server.entries())


async def test_a_stream_whose_newest_entry_is_unknown_is_learnt_from_the_refusal(
    server: Loki, client: LokiClient, tmp_path: Path
) -> None:
    await Log(tmp_path).send(client, line(0, 1))
    log = Log(tmp_path)  # its history was lost
    lines = [line(3 * HOUR - number * SECOND, number) for number in range(10)]
    await log.send(client, *lines[:5])
    await log.send(client, *lines[5:])

    assert len(server.lines()) == 11
    assert server.report()["exact_doubles"] == 0


async def test_what_was_decided_is_saved_before_it_is_sent_and_decided_again(
    server: Loki, client: LokiClient, tmp_path: Path
) -> None:
    log = Log(tmp_path)
    lines = [line(SECOND, 1), line(-HOUR, 2), line(-2 * HOUR, 3)]
    read_ns = time.time_ns()
    await log.send(client, *lines, read_ns=read_ns)
    assert log.recorded
    stored = {(it.line, it.ns) for it in server.entries()}

    log.recent = log.recorded[-1]  # as after a crash before the acknowledgement
    await log.send(client, *lines, read_ns=read_ns)

    assert {(it.line, it.ns) for it in server.entries()} == stored
    assert server.report()["exact_doubles"] == 0


async def test_a_window_that_is_closed_for_now_is_waited_for(server: Loki, client: LokiClient, tmp_path: Path) -> None:
    server.limits(grace=5 * 3600.0)
    log = Log(tmp_path)
    await log.send(client, line(-4 * HOUR, 1))  # as Loki's clock was wrong too
    server.limits(grace=600.0)
    sending = asyncio.create_task(log.send(client, line(0, 2)))
    await asyncio.sleep(1.0)
    assert not sending.done()
    server.limits(grace=5 * 3600.0)  # as time passes

    await sending
    assert len(server.lines()) == 2


async def test_strict_order_of_an_older_loki_loses_nothing(server: Loki, client: LokiClient, tmp_path: Path) -> None:
    server.limits(behind=0.0)
    log = Log(tmp_path)
    await log.send(client, line(0, 1))
    await log.send(client, line(60 * SECOND, 2), line(30 * SECOND, 3))

    assert len(server.lines()) == 3


async def test_a_loki_that_does_not_say_how_many_it_refused_loses_nothing(
    server: Loki, client: LokiClient, tmp_path: Path
) -> None:
    server.limits(numbers=False)
    log = Log(tmp_path)
    await log.send(client, *[line(-2 * HOUR - number * SECOND, number) for number in range(5)], line(0, 5))

    assert len(server.lines()) == 6


@pytest.mark.parametrize(
    "text",
    [
        "entry too far behind",
        "entry too far behind\nuser 'fake', total ignored: 50 out of 3 for stream: {}",
        "has timestamp too old, oldest acceptable timestamp is: 9999-12-31T23:59:59Z",
        "has timestamp too new: 2026-11-29T17:00:00Z",
        "stream '{}' includes structured metadata, but this feature is disallowed",
    ],
)
async def test_a_gateway_that_refuses_every_time_gets_few_requests_and_costs_no_line(
    server: Loki, client: LokiClient, tmp_path: Path, text: str
) -> None:
    server.fault("answer", status=400, text=text)
    log = Log(tmp_path)
    sending = asyncio.create_task(log.send(client, *[line(10 * SECOND - number, number) for number in range(4)]))
    await asyncio.sleep(2.0)
    requests = len(server.requests())
    assert not sending.done()
    server.well()

    await sending
    assert len(server.lines()) == 4
    assert requests < 200


def test_the_clock_follows_loki_only_after_a_refusal_and_until_both_agree() -> None:
    ours, elapsed = [1_800_000_000 * SECOND], [0]
    clock = ReceiverClock(lambda: ours[0], lambda: elapsed[0])
    date = "Fri, 15 Jan 2027 08:00:00 GMT"  # 1,800,000,000 s
    ours[0] += HOUR
    clock.answered(date)
    assert clock.now_ns() == ours[0]
    clock.distrust()
    assert clock.now_ns() == 1_800_000_000 * SECOND + SECOND // 2
    assert round(clock.difference_ns / SECOND) == 3600

    ours[0] -= HOUR
    assert clock.now_ns() == ours[0]
    ours[0] += 5 * HOUR
    elapsed[0] += 10 * SECOND
    assert clock.now_ns() == 1_800_000_010 * SECOND + SECOND // 2
    clock.answered("no date")
    assert clock.difference_ns > 4 * HOUR
