import asyncio

from collectors.logs.files.byte_budget import ByteBudget
from tests.support.waiting import PATIENCE


async def test_a_batch_waits_for_room() -> None:
    budget = ByteBudget(10)
    await budget.take(6)
    second = asyncio.create_task(budget.take(5))
    await asyncio.sleep(0)

    assert not second.done()
    await budget.take(4)
    budget.give_back(6)
    await asyncio.wait_for(second, PATIENCE)


async def test_a_batch_larger_than_all_may_be_alone() -> None:
    budget = ByteBudget(10)
    await asyncio.wait_for(budget.take(1000), PATIENCE)
    small = asyncio.create_task(budget.take(1))
    await asyncio.sleep(0)

    assert not small.done()
    budget.give_back(1000)
    await asyncio.wait_for(small, PATIENCE)
