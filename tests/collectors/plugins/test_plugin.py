from __future__ import annotations

import os

import pytest

from collectors.plugins.parsed_page import split
from collectors.plugins.plugin import Admission, Plugin
from collectors.plugins.refusals import Reason, RefusedError
from collectors.plugins.trust import Process, start_of

MAX = 1_000


@pytest.fixture
def plugin() -> Plugin:
    return Plugin("engine", Admission(MAX))


def lines(text: str) -> list[bytes]:
    return split(text.encode(), MAX, openmetrics=False)


def test_the_lowest_free_number_is_taken(plugin: Plugin) -> None:
    assert [plugin.take_number() for _ in range(3)] == ["1", "2", "3"]

    plugin.free_number("2")

    assert [plugin.take_number() for _ in range(2)] == ["2", "4"]


async def test_a_page_that_differs_in_its_numbers_has_the_same_plan(plugin: Plugin) -> None:
    first, values = await plugin.read(lines("a 1\nb 2\n"), None, openmetrics=False)
    second, others = await plugin.read(lines("a 3\nb 4\n"), first, openmetrics=False)
    third, _ = await plugin.read(lines("a 3\n"), first, openmetrics=False)

    assert second is first
    assert third is not first
    assert (values, others) == ([1, 2], [3, 4])


async def test_a_page_has_the_service_of_its_labels(plugin: Plugin) -> None:
    plan, _ = await plugin.read(lines('a 1\nb{service="backend"} 2\n'), None, openmetrics=False)

    assert plan.service == "backend"


async def test_series_of_a_plugin_are_limited() -> None:
    plugin = Plugin("engine", Admission(MAX, max_series=1))
    page = '# TYPE a_total counter\na_total{x="1"} 1\na_total{x="2"} 1\n'

    plan, _ = await plugin.read(lines(page), None, openmetrics=False)

    assert [reason for reason, _ in plan.refused.values()] == [Reason.TOO_MANY_SERIES]


async def test_a_full_agent_takes_no_new_page(plugin: Plugin) -> None:
    known, _ = await plugin.read(lines("a 1\n"), None, openmetrics=False)
    plugin._admission.full = True  # noqa: SLF001 - the collector sets it

    assert (await plugin.read(lines("a 2\n"), known, openmetrics=False))[0] is known
    with pytest.raises(RefusedError) as caught:
        await plugin.read(lines("b 1\n"), known, openmetrics=False)
    assert caught.value.reason is Reason.TOO_MANY_SERIES


def test_counts_of_ended_processes_are_forgotten(plugin: Plugin) -> None:
    own = Process(os.getpid(), start_of(os.getpid()))
    kept = plugin.process_counts("1", own, past_is_known=False)
    for number in range(200):
        plugin.process_counts("2", Process(2**30, float(number + 1)), past_is_known=False)

    assert plugin.process_counts("1", own, past_is_known=False) is kept
    assert len(plugin._counts) < 100  # noqa: SLF001 - how much memory they take
