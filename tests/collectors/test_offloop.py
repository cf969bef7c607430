import asyncio
import threading

import pytest

from collectors.offloop import OneAtATime, StillRunningError, start


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
