import asyncio

from collectors.logs.files.turns import Turns


async def test_files_are_read_in_the_order_of_their_marks_and_each_once() -> None:
    turns = Turns()
    for path in ("a", "b", "a", "c"):
        turns.mark(path)

    assert [await turns.next() for _ in range(3)] == ["a", "b", "c"]


async def test_a_file_that_is_marked_while_it_is_read_is_read_again_and_not_at_once() -> None:
    turns = Turns()
    turns.mark("a")
    await turns.next()
    turns.mark("a")
    again = asyncio.create_task(turns.next())
    await asyncio.sleep(0.05)
    assert not again.done()

    turns.done("a")

    assert await asyncio.wait_for(again, 30) == "a"


async def test_a_file_is_forgotten_when_nobody_waits_for_it_or_reads_it() -> None:
    turns = Turns()
    turns.mark("a")
    assert not turns.forget("a")
    await turns.next()
    assert not turns.forget("a")
    assert turns.is_busy("a")
    turns.done("a")
    turns.mark_later("a", 0.05)

    assert turns.forget("a")
    await asyncio.sleep(0.2)
    assert not turns.is_busy("a")
    assert turns.forget("a")


async def test_a_later_mark_takes_the_place_of_an_earlier_one() -> None:
    turns = Turns()
    turns.mark_later("a", 3600)
    turns.mark_later("a", 0.01)

    assert await asyncio.wait_for(turns.next(), 30) == "a"
    turns.stop()
