"""The daemon's parts joined in this process, with collectors that misbehave in every way they can."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterable
from typing import ClassVar

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from agent.config.loader import parse
from agent.config.schema import Config
from agent.core.collectors import Collectors
from agent.core.status import Status
from agent.web.listener import ListenError
from agent.web.server import WebServer
from collectors.address import Address
from collectors.base import Collector
from collectors.metrics import Family, HistogramValue, gauge, histogram

CONFIG = parse('audio.enabled = false\nplugins.enabled = false\nweb.collect_timeout = "2s"', "test")
CONCERNED = {"host", "agent", "good", "bad"}
GOOD = "# TYPE good_value gauge\ngood_value 1"


class Good(Collector):
    name: ClassVar[str] = "good"

    def collect(self) -> Iterable[Family]:
        return [gauge("good_value", "G.", 1.0)]


class Bad(Collector):
    name: ClassVar[str] = "bad"

    def __init__(self, collect: Callable[[], object]) -> None:
        self._collect = collect

    def collect(self) -> Iterable[Family]:
        return self._collect()  # type: ignore[return-value]  # nonsense is what these tests are about


class Served:
    """Collectors that are served on a free port."""

    def __init__(self) -> None:
        self.sources = Collectors(CONFIG)
        self.web = WebServer(self.sources.pages(self._status), self.sources.security)
        self.session = aiohttp.ClientSession()

    async def _status(self) -> Status:
        raise NotImplementedError

    async def scrape(self) -> str:
        async with self.session.get(f"{self.web.url}/metrics") as answer:
            assert answer.status == 200
            return await answer.text()


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    parts = Served()
    await parts.web.listen(Address("127.0.0.1", 0))
    await parts.sources.start()
    parts.sources.supervisor.add(Good())
    yield parts
    await parts.session.close()
    await parts.web.stop()
    await parts.sources.stop()


def up(page: str) -> dict[str, float]:
    return {
        sample.labels["collector"]: sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name == "wr_agent_collector_up" and sample.labels["collector"] in CONCERNED
    }


def raising() -> Iterable[Family]:
    raise OSError("no such device")


def raising_half_way() -> Iterable[Family]:
    yield gauge("bad_value", "B.", 1.0)
    raise OSError("no such device")


NONSENSE: dict[str, Callable[[], object]] = {
    "raises": raising,
    "raises half-way": raising_half_way,
    "returns None": lambda: None,
    "returns no families": lambda: [1, 2, 3],
    "a bad metric name": lambda: [gauge("bad-value", "B.", 1.0)],
    "a bad label name": lambda: [gauge("bad_value", "B.", {("x",): 1.0}, ("a-b",))],
    "too few label values": lambda: [gauge("bad_value", "B.", {("x",): 1.0}, ("a", "b"))],
    "a value that is no number": lambda: [gauge("bad_value", "B.", {(): "1"})],  # type: ignore[dict-item]
    "a histogram without its buckets": lambda: [histogram("bad_value", "B.", {(): HistogramValue((1.0,), (1,), 0.0)})],
    "another's name with another type": lambda: [gauge("node_cpu_seconds_total", "B.", 1.0)],
    "another's series": lambda: [gauge("node_load1", "1m load average.", 1.0)],
}


@pytest.mark.parametrize("what", NONSENSE)
async def test_nonsense_costs_its_own_families_alone(served: Served, what: str) -> None:
    served.sources.supervisor.add(Bad(NONSENSE[what]))

    await served.scrape()
    await asyncio.sleep(0.5)  # past the page that is shared
    page = await served.scrape()

    assert GOOD in page
    assert "\nnode_load1 " in page
    assert "bad_value" not in page
    assert up(page) == {"host": 1, "agent": 1, "good": 1, "bad": 0}
    assert served.sources.supervisor.supervised["bad"].errors >= 2


async def test_a_collector_that_hangs_for_a_minute_costs_its_own_families_alone(served: Served) -> None:
    released = threading.Event()

    def hang() -> Iterable[Family]:
        released.wait(60)
        return [gauge("bad_value", "B.", 1.0)]

    served.sources.supervisor.add(Bad(hang))
    try:
        page = await served.scrape()
        assert GOOD in page
        assert "\nnode_load1 " in page
        assert "bad_value" not in page
        assert up(page) == {"host": 1, "agent": 1, "good": 1, "bad": 0}
    finally:
        released.set()

    async with asyncio.timeout(30):
        while "bad_value 1" not in await served.scrape():
            await asyncio.sleep(0.1)
    await asyncio.sleep(0.5)
    assert up(await served.scrape())["bad"] == 1


async def test_a_run_that_hangs_in_a_thread_or_raises_costs_nobody_else(served: Served) -> None:
    class Restless(Good):
        name: ClassVar[str] = "bad"

        async def run(self) -> None:
            raise OSError("no such device")

        def collect(self) -> Iterable[Family]:
            return [gauge("bad_value", "B.", 1.0)]

    served.sources.supervisor.add(Restless())
    await asyncio.sleep(0.1)
    page = await served.scrape()

    assert GOOD in page
    assert up(page) == {"host": 1, "agent": 1, "good": 1, "bad": 0}


async def test_scrapes_that_come_together_share_one_snapshot(served: Served) -> None:
    calls = []

    def count() -> Iterable[Family]:
        calls.append(1)
        return [gauge("counted_value", "C.", float(len(calls)))]

    served.sources.supervisor.add(Bad(count))

    pages = await asyncio.gather(*(served.scrape() for _ in range(50)))

    assert all("counted_value" in page for page in pages)
    assert len(calls) < 10


async def test_one_may_ask_for_a_collector_that_is_switched_off_but_not_for_one_there_cannot_be(
    served: Served,
) -> None:
    async with served.session.get(f"{served.web.url}/metrics?collect[]=audio&collect[]=good") as answer:
        assert answer.status == 200
        assert GOOD in await answer.text()
    async with served.session.get(f"{served.web.url}/metrics?collect[]=audio") as answer:
        assert (answer.status, await answer.text()) == (200, "")
    async with served.session.get(f"{served.web.url}/metrics?exclude[]=audio&exclude[]=logs") as answer:
        assert answer.status == 200
        assert GOOD in await answer.text()
    async with served.session.get(f"{served.web.url}/metrics?collect[]=adio") as answer:
        assert answer.status == 400
        assert (await answer.text()).startswith("unknown collector: adio; expected one of audio, ")


async def test_the_server_moves_between_addresses_of_one_port(served: Served) -> None:
    port = int(served.web.url.rsplit(":", 1)[1])

    await served.web.listen(Address("", port))
    assert "good_value" in await served.scrape()
    await served.web.listen(Address("127.0.0.1", port))
    assert "good_value" in await served.scrape()


async def test_the_server_stays_where_it_is_if_it_cannot_move(served: Served) -> None:
    before = served.web.url
    port = int(before.rsplit(":", 1)[1])

    with pytest.raises(ListenError):
        await served.web.listen(Address("192.0.2.1", port))
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(ListenError):
        await served.web.listen(Address("127.0.0.1", taken.getsockname()[1]))

    assert served.web.url == before
    assert "good_value" in await served.scrape()


async def test_a_reload_leaves_what_did_not_change(served: Served) -> None:
    host = served.sources.supervisor.supervised["host"]

    new = Config(audio=CONFIG.audio, plugins=CONFIG.plugins)
    await served.sources.apply(await served.sources.prepare(new))

    assert served.sources.supervisor.supervised["host"] is host


async def test_parts_of_the_host_are_selected_by_node_exporters_names(served: Served) -> None:
    await served.scrape()
    async with served.session.get(f"{served.web.url}/metrics?collect[]=loadavg&collect[]=good") as answer:
        selected = await answer.text()
    async with served.session.get(f"{served.web.url}/metrics?exclude[]=loadavg") as answer:
        others = await answer.text()

    assert "\nnode_load1 " in selected
    assert "node_scrape_collector_success" in selected
    assert GOOD in selected
    assert "node_memory_MemTotal_bytes" not in selected
    assert "wr_agent_" not in selected
    assert "node_load1" not in others
    assert "node_memory_MemTotal_bytes" in others
    assert "wr_agent_" in others
