import asyncio

from collectors.logs.files.read_queue import ReadQueue


async def test_files_are_read_in_the_order_of_their_marks_and_each_once() -> None:
    queue = ReadQueue()
    for path in ("a", "b", "a", "c"):
        queue.mark(path)

    assert [await queue.next() for _ in range(3)] == ["a", "b", "c"]


async def test_a_file_that_is_marked_while_it_is_read_is_read_again_and_not_at_once() -> None:
    queue = ReadQueue()
    queue.mark("a")
    await queue.next()
    queue.mark("a")
    again = asyncio.create_task(queue.next())
    await asyncio.sleep(0.05)
    assert not again.done()

    queue.done("a")

    assert await asyncio.wait_for(again, 30) == "a"


async def test_a_file_is_forgotten_when_nobody_waits_for_it_or_reads_it() -> None:
    queue = ReadQueue()
    queue.mark("a")
    assert not queue.forget("a")
    await queue.next()
    assert not queue.forget("a")
    assert queue.is_busy("a")
    queue.done("a")
    queue.mark_later("a", 0.05)

    assert queue.forget("a")
    await asyncio.sleep(0.2)
    assert not queue.is_busy("a")
    assert queue.forget("a")


async def test_a_later_mark_takes_the_place_of_an_earlier_one() -> None:
    queue = ReadQueue()
    queue.mark_later("a", 3600)
    queue.mark_later("a", 0.01)

    assert await asyncio.wait_for(queue.next(), 30) == "a"
    queue.stop()
