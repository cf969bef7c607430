import asyncio
import threading
from functools import partial

import pytest

from collectors.offloop import (
    MOST_FREE,
    NoThreadError,
    OneAtATime,
    StillRunningError,
    Worker,
    Workers,
    in_turn,
    spawn,
    start,
    wait_for,
    within,
)
from tests.support.threads import no_threads_left
from tests.support.waiting import PATIENCE, eventually, soon


async def test_a_result_comes_back_from_another_thread() -> None:
    thread = await start(threading.current_thread, "elsewhere")

    assert thread is not threading.current_thread()
    assert (thread.name, thread.daemon) == ("elsewhere", True)


async def test_an_error_comes_back() -> None:
    with pytest.raises(ZeroDivisionError):
        await start(lambda: 1 / 0, "breaks")


async def test_an_exit_in_a_thread_does_not_end_the_loop() -> None:
    def leave() -> None:
        raise SystemExit(3)

    with pytest.raises(RuntimeError, match=r"leaves raised SystemExit\(3\)"):
        await start(leave, "leaves")


async def test_callers_that_come_together_share_one_call() -> None:
    calls = []
    go = threading.Event()

    def work() -> int:
        calls.append(1)
        go.wait(30)
        return len(calls)

    once = OneAtATime(work, "work")
    waiting = [asyncio.create_task(once(30)) for _ in range(5)]
    await asyncio.sleep(0)
    go.set()

    assert await asyncio.gather(*waiting) == [1] * 5
    assert await once(30) == 2


async def test_a_call_that_hangs_is_given_up_and_not_started_again_until_it_returns() -> None:
    calls = []
    go = threading.Event()

    def work() -> str:
        calls.append(1)
        go.wait(60)
        return "done"

    once = OneAtATime(work, "work")
    with pytest.raises(TimeoutError):
        await once(0.05)
    with pytest.raises(StillRunningError):
        await once(30)
    assert len(calls) == 1

    go.set()
    async with asyncio.timeout(30):
        while True:
            try:
                assert await once(30) == "done"
                break
            except StillRunningError:
                await asyncio.sleep(0.01)
    assert len(calls) == 2


async def test_a_call_fails_alone_where_no_thread_is_left() -> None:
    with no_threads_left(), pytest.raises(NoThreadError, match=r"'work': can't start new thread; raise the limit"):
        await start(lambda: 1, "work")

    assert await start(lambda: 1, "work") == 1


async def test_calls_go_on_in_the_thread_that_they_have_where_no_other_is_left() -> None:
    once = OneAtATime(threading.get_ident, "work", resident=True)
    first = await once(30)
    with no_threads_left():
        assert await once(30) == first


@pytest.mark.parametrize("resident", [False, True])
async def test_a_first_call_that_got_no_thread_is_made_later(resident: bool) -> None:  # noqa: FBT001 - a case
    once = OneAtATime(lambda: 1, "work", resident=resident)
    with no_threads_left(), pytest.raises(NoThreadError):
        await once(30)

    assert await once(30) == 1


def test_spawn_says_which_thread_is_missing() -> None:
    with no_threads_left(), pytest.raises(NoThreadError, match="'probe'"):
        spawn(lambda: None, "probe")


def test_a_worker_makes_calls_in_order_in_one_thread() -> None:
    worker = Worker("in-order")
    made: list[tuple[int, int]] = []
    for number in range(3):
        worker.submit(partial(_note, made, number))
    eventually(lambda: len(made) == 3, "all calls are made")

    assert [number for number, _ in made] == [0, 1, 2]
    assert len({thread for _, thread in made}) == 1


def test_the_thread_of_a_worker_ends_with_it() -> None:
    worker = Worker("short-lived")
    worker.submit(lambda: None)
    assert _named("short-lived")

    del worker
    eventually(lambda: not _named("short-lived"), "the thread ends")


async def test_the_thread_of_one_at_a_time_ends_with_it() -> None:
    once = OneAtATime(lambda: 1, "collect gone", resident=True)
    await once(30)

    del once
    eventually(lambda: not _named("collect gone"), "the thread ends")


def _note(made: list[tuple[int, int]], number: int) -> None:
    made.append((number, threading.get_ident()))


def _named(name: str) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == name]


async def test_workers_make_the_next_call_in_a_free_thread() -> None:
    workers = Workers("test")
    first = await workers.call(threading.get_ident)

    assert first != threading.get_ident()
    assert {await workers.call(threading.get_ident) for _ in range(20)} == {first}
    with pytest.raises(ValueError, match="broken"):
        await workers.call(lambda: int("broken"))
    assert await workers.call(threading.get_ident) == first


async def test_a_hung_call_of_workers_delays_no_other_and_its_thread_ends() -> None:
    workers, answers = Workers("hung test"), threading.Event()
    hung = asyncio.create_task(workers.call(answers.wait))
    await asyncio.sleep(0)

    assert await asyncio.wait_for(workers.call(lambda: "well"), PATIENCE) == "well"
    hung.cancel()
    assert await asyncio.wait_for(workers.call(lambda: "well"), PATIENCE) == "well"
    answers.set()
    await soon(lambda: sum(thread.name == "hung test" for thread in threading.enumerate()) == 1)


async def test_workers_keep_few_threads() -> None:
    workers, answers = Workers("many test"), threading.Event()
    calls = [asyncio.create_task(workers.call(answers.wait)) for _ in range(20)]
    await soon(lambda: sum(thread.name == "many test" for thread in threading.enumerate()) == 20)
    answers.set()
    await asyncio.gather(*calls)

    await soon(lambda: sum(thread.name == "many test" for thread in threading.enumerate()) == MOST_FREE)


async def test_workers_work_in_the_thread_that_they_have_where_no_other_is_left() -> None:
    workers = Workers("test")
    await workers.call(threading.get_ident)
    with no_threads_left():
        assert await workers.call(lambda: "well") == "well"
    with no_threads_left(), pytest.raises(NoThreadError):
        await Workers("test").call(lambda: "well")


async def test_a_call_has_a_deadline_and_works_without_a_thread() -> None:
    answers = threading.Event()
    with pytest.raises(TimeoutError):
        await within(0.05, answers.wait, "test")
    answers.set()
    with no_threads_left():
        assert await within(0.05, threading.get_ident, "test") == threading.get_ident()


def test_waiting_for_a_call_has_a_deadline_and_works_without_a_thread() -> None:
    answers = threading.Event()
    with pytest.raises(TimeoutError, match=r"no answer within 0\.05 s; check the disk"):
        wait_for(0.05, answers.wait, "test")
    answers.set()
    with pytest.raises(ValueError, match="broken"):
        wait_for(PATIENCE, lambda: int("broken"), "test")
    with no_threads_left():
        assert wait_for(PATIENCE, threading.get_ident, "test") == threading.get_ident()


async def test_calls_in_turn_follow_one_another_and_give_their_results_in_order() -> None:
    running: list[str] = []
    seen: list[tuple[str, ...]] = []

    async def call(name: str) -> str:
        running.append(name)
        seen.append(tuple(running))
        await asyncio.sleep(0)
        running.remove(name)
        return name

    assert await in_turn([partial(call, name) for name in "abc"]) == ["a", "b", "c"]
    assert seen == [("a",), ("b",), ("c",)]


async def test_a_slow_call_delays_the_next_one_by_the_handover_only() -> None:
    go = asyncio.Event()

    async def slow() -> str:
        await go.wait()
        return "slow"

    async def next_one() -> str:
        go.set()
        return "next"

    async with asyncio.timeout(PATIENCE):
        assert await in_turn([slow, next_one]) == ["slow", "next"]


async def test_calls_in_turn_are_cancelled_together() -> None:
    started, cancelled = asyncio.Event(), asyncio.Event()

    async def hang() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    turns = asyncio.create_task(in_turn([hang, hang]))
    await started.wait()
    turns.cancel()
    async with asyncio.timeout(PATIENCE):
        await cancelled.wait()
