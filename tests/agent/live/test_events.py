"""The streams of events, over real connections."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from agent.config.loader import parse
from agent.core.collectors import Collectors
from agent.core.status import Status
from agent.live import events
from agent.live.sampler import Sampler
from agent.web.server import WebServer
from collectors.address import Address
from collectors.audio.causes.reading import seconds_of
from collectors.audio.history import HistoryView, Unwatched
from tests.support.analyses import event
from tests.support.waiting import PATIENCE, soon

CONFIG = parse("audio.enabled = false\nplugins.enabled = false\ncontainers.enabled = false", "test")


class Agent:
    """The parts of an agent that the page needs."""

    def __init__(self) -> None:
        self.sources = Collectors(CONFIG)
        self.web = WebServer(self.sources.pages(self._status), self.sources.security)

    @property
    def sampler(self) -> Sampler:
        return self.sources.sampler

    async def _status(self) -> Status:
        raise NotImplementedError


@pytest.fixture
async def agent() -> AsyncIterator[Agent]:
    made = Agent()
    await made.web.listen(Address("127.0.0.1", 0))
    await made.sources.start()
    sampling = asyncio.create_task(made.sampler.run())
    yield made
    sampling.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await sampling
    await made.web.stop()
    await made.sources.stop()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE)) as made:
        yield made


async def read_event(answer: aiohttp.ClientResponse) -> tuple[str, Any]:
    """The next event; the name is empty at the end of the stream."""
    lines: dict[str, str] = {}
    async for line in answer.content:
        if not line.strip():
            if "event" in lines:
                break
            continue
        name, _, value = line.decode().strip().partition(": ")
        lines[name] = value
    return (lines["event"], json.loads(lines["data"])) if lines else ("", None)


def read_to_the_end(peer: socket.socket) -> None:
    with contextlib.suppress(ConnectionResetError):
        while peer.recv(1 << 20):
            pass


async def until(agent: Agent, watchers: int) -> None:
    await soon(lambda: agent.sampler.watchers == watchers, f"{watchers} watchers")


async def test_a_page_is_told_what_was_then_what_lasts_then_what_is(
    agent: Agent, session: aiohttp.ClientSession
) -> None:
    async with session.get(f"{agent.web.url}/-/events") as answer:
        told = [await read_event(answer) for _ in range(8)]

    assert answer.headers["Content-Type"] == "text/event-stream"
    assert answer.headers["Cache-Control"] == "no-store"
    names = [name for name, _ in told]
    assert names[:2] == ["history", "health"]
    assert names.count("history") == 1
    assert names.count("sample") >= 2
    assert {it["name"] for it in told[1][1]["collectors"]} == {"host", "agent"}
    samples = [data for name, data in told if name == "sample"]
    assert 0 < samples[-1]["host"]["memory"] < 1
    assert samples[-1]["time"] > samples[0]["time"]


async def test_a_page_that_is_closed_is_forgotten(agent: Agent, session: aiohttp.ClientSession) -> None:
    async with session.get(f"{agent.web.url}/-/events") as answer:
        await read_event(answer)
        assert agent.sampler.watchers == 1

    await until(agent, 0)


async def test_there_are_not_more_streams_than_there_may_be(agent: Agent, session: aiohttp.ClientSession) -> None:
    async with contextlib.AsyncExitStack() as pages:
        for _ in range(events.MOST_STREAMS):
            await read_event(await pages.enter_async_context(session.get(f"{agent.web.url}/-/events")))
        async with session.get(f"{agent.web.url}/-/events") as refused:
            assert refused.status == 503
            assert refused.headers["Retry-After"] == "10"
            assert "status pages are open" in await refused.text()


async def test_a_page_that_takes_nothing_is_sent_no_more(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "PATIENCE", 0.1)
    monkeypatch.setattr(events, "_RETRY", b": padding\n" * 1_000_000)
    port = int(agent.web.url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port)) as slow:
        slow.sendall(b"GET /-/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await until(agent, 1)
        await until(agent, 0)
        slow.settimeout(PATIENCE)
        await asyncio.to_thread(read_to_the_end, slow)


async def test_streams_end_when_other_security_holds(agent: Agent, session: aiohttp.ClientSession) -> None:
    async with session.get(f"{agent.web.url}/-/events") as answer:
        await read_event(answer)
        await read_event(answer)
        agent.web.retire()
        async with asyncio.timeout(PATIENCE):
            while (await read_event(answer))[0]:
                pass

    await until(agent, 0)


async def test_the_agent_stops_at_once_though_pages_are_open(session: aiohttp.ClientSession) -> None:
    agent = Agent()
    await agent.web.listen(Address("127.0.0.1", 0))
    sampling = asyncio.create_task(agent.sampler.run())
    async with session.get(f"{agent.web.url}/-/events") as answer:
        await read_event(answer)
        sampling.cancel()
        async with asyncio.timeout(PATIENCE):
            while (await read_event(answer))[0]:
                pass
        await agent.web.stop()


def test_only_the_newest_dropouts_have_their_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_MOST_SENTENCES", 2)
    recorded = tuple(event(number) for number in range(4))

    sent = events._past(HistoryView(recorded, (Unwatched(1.0, 2.0),), 3.0))  # noqa: SLF001 - the data of one event

    assert [it.text for it in sent.dropouts] == ["", "", *(it.text for it in recorded[2:])]
    assert [it.id for it in sent.dropouts] == [it.id for it in recorded]
    assert (sent.dropouts[0].at, sent.dropouts[0].seconds) == (seconds_of(recorded[0].at), 0.02)
    assert (sent.unwatched, sent.watched) == ([(1.0, 2.0)], 3.0)
