from __future__ import annotations

import asyncio
import gzip
import threading
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import pytest

from agent.exposition.formats import Encoding, Format
from agent.exposition.render import Group
from agent.exposition.shared import Names, SharedExposition
from collectors.metrics import LabelValues, gauge
from tests.support.threads import no_threads_left

if TYPE_CHECKING:
    from _collections_abc import dict_items

ALL = frozenset({"good", "bad"})
PLAIN = (Format.TEXT, Encoding.IDENTITY, ALL)


class Source:
    """Snapshots that wait until they are let go, and count themselves."""

    def __init__(self) -> None:
        self.asked: list[Names] = []
        self.reported: list[tuple[list[str], Mapping[str, str]]] = []
        self.gate = asyncio.Event()
        self.problem: Exception | None = None

    def report(self, names: Iterable[str], errors: Mapping[str, str], _left_out: object) -> None:
        self.reported.append((list(names), errors))

    async def snapshot(self, names: Names) -> list[Group]:
        self.asked.append(names)
        number = len(self.asked)
        await self.gate.wait()
        if self.problem:
            raise self.problem
        return [("good", [gauge("snapshots", "So far.", number)]), ("bad", [gauge("a-b", "X.", 1)])]


@pytest.fixture
async def source() -> Source:
    return Source()


@pytest.fixture
async def shared(source: Source) -> SharedExposition:
    return SharedExposition(source.snapshot, source.report, keep=30)


@pytest.fixture
async def forgetful(source: Source) -> SharedExposition:
    return SharedExposition(source.snapshot, source.report, keep=0)


async def settled() -> None:
    """Let everything on the loop go as far as it can without the world outside."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_scrapes_that_arrive_together_share_one_snapshot_and_one_page(
    source: Source, shared: SharedExposition
) -> None:
    scrapes = [asyncio.create_task(shared.page(*PLAIN)) for _ in range(8)]
    await settled()
    source.gate.set()

    pages = await asyncio.gather(*scrapes)

    assert len(source.asked) == 1
    assert len({id(page) for page in pages}) == 1
    assert b"snapshots 1\n" in pages[0]


async def test_formats_and_encodings_share_the_snapshot(source: Source, shared: SharedExposition) -> None:
    source.gate.set()

    text, metrics, packed = await asyncio.gather(
        shared.page(*PLAIN),
        shared.page(Format.OPENMETRICS, Encoding.IDENTITY, ALL),
        shared.page(Format.OPENMETRICS, Encoding.GZIP, ALL),
    )

    assert source.asked == [ALL]
    assert text + b"# EOF\n" == metrics
    assert metrics == gzip.decompress(packed)


async def test_a_page_is_kept_for_a_moment(source: Source, shared: SharedExposition) -> None:
    source.gate.set()

    first, second = await shared.page(*PLAIN), await shared.page(*PLAIN)

    assert first is second
    assert len(source.asked) == 1


async def test_a_page_is_not_kept_longer(source: Source, forgetful: SharedExposition) -> None:
    source.gate.set()
    async with asyncio.timeout(30):
        while b"snapshots 1\n" in await forgetful.page(*PLAIN):
            await asyncio.sleep(0.01)

    assert len(source.asked) > 1


async def test_a_selection_has_a_snapshot_of_its_own(source: Source, shared: SharedExposition) -> None:
    source.gate.set()

    await asyncio.gather(shared.page(*PLAIN), shared.page(*PLAIN[:2], frozenset({"good"})))

    assert source.asked == [ALL, frozenset({"good"})]


async def test_ever_new_selections_do_not_fill_the_memory(source: Source, shared: SharedExposition) -> None:
    source.gate.set()
    await shared.page(*PLAIN[:2], frozenset({"first"}))
    for number in range(100):
        await shared.page(*PLAIN[:2], frozenset({str(number)}))

    await shared.page(*PLAIN[:2], frozenset({"99"}))
    assert len(source.asked) == 101

    await shared.page(*PLAIN[:2], frozenset({"first"}))
    assert len(source.asked) == 102


async def test_a_client_that_leaves_does_not_take_the_page_from_the_others(
    source: Source, shared: SharedExposition
) -> None:
    leaves, stays = asyncio.create_task(shared.page(*PLAIN)), asyncio.create_task(shared.page(*PLAIN))
    await settled()

    leaves.cancel()
    await settled()
    source.gate.set()

    assert b"snapshots 1\n" in await stays
    assert leaves.cancelled()
    assert len(source.asked) == 1


async def test_a_failure_reaches_everyone_and_is_not_kept(source: Source, shared: SharedExposition) -> None:
    source.problem = RuntimeError("no snapshot")
    scrapes = [asyncio.create_task(shared.page(*PLAIN)) for _ in range(3)]
    await settled()
    source.gate.set()

    results = await asyncio.gather(*scrapes, return_exceptions=True)
    source.problem = None
    later = await shared.page(*PLAIN)

    assert [str(result) for result in results] == ["no snapshot"] * 3
    assert b"snapshots 2\n" in later


async def test_nonsense_is_reported_once_a_rendering(source: Source, shared: SharedExposition) -> None:
    source.gate.set()

    await asyncio.gather(*(shared.page(*PLAIN) for _ in range(3)))

    ((names, errors),) = source.reported
    assert names == ["good", "bad"]
    assert list(errors) == ["bad"]
    assert "a-b" in errors["bad"]


async def test_rendering_leaves_the_event_loop_free() -> None:
    loop_ran = threading.Event()
    seen: list[bool] = []

    class Slow(dict[LabelValues, float]):
        def items(self) -> dict_items[LabelValues, float]:
            seen.append(loop_ran.wait(30))
            return super().items()

    async def snapshot(_names: Names) -> list[Group]:
        asyncio.get_running_loop().call_later(0.05, loop_ran.set)
        return [("slow", [gauge("x", "X.", Slow({(): 1.0}))])]

    exposition = SharedExposition(snapshot, lambda _names, _errors, _left_out: None)
    await exposition.page(*PLAIN)

    assert seen == [True]


async def test_a_machine_without_threads_still_gives_the_page(source: Source) -> None:
    exposition = SharedExposition(source.snapshot, source.report, keep=30)
    source.gate.set()

    with no_threads_left():
        assert b"snapshots 1" in await exposition.page(*PLAIN)
