"""Runs blocking calls off the event loop, each within a deadline.

Every call gets a daemon thread of its own: a call that never returns can then hold up neither the loop, nor another
call, nor the end of the process, which is what a thread pool's threads would do.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class StillRunningError(TimeoutError):
    """The call was given up at its deadline earlier, and has not returned since."""


def start(function: Callable[[], T], name: str) -> asyncio.Future[T]:
    """Call `function` in a daemon thread named `name`; the future gets what it returns or raises."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def deliver(setter: Callable[[Any], None], outcome: object) -> None:
        if not future.done():
            setter(outcome)

    def settle(setter: Callable[[Any], None], outcome: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(deliver, setter, outcome)

    def call() -> None:
        try:
            result = function()
        except Exception as error:  # noqa: BLE001 - whatever was raised belongs to whoever waits
            settle(future.set_exception, error)
        except BaseException as error:  # noqa: BLE001 - asyncio would end the loop for a SystemExit
            settle(future.set_exception, RuntimeError(f"{name} raised {error!r}"))
        else:
            settle(future.set_result, result)

    threading.Thread(target=call, name=name, daemon=True).start()
    return future


class OneAtATime(Generic[T]):
    """A blocking function that runs at most once at a time; callers that arrive meanwhile share its result.

    Args:
        function: What to call, in a thread of its own.
        name: The thread's name.
    """

    def __init__(self, function: Callable[[], T], name: str) -> None:
        self._function = function
        self._name = name
        self._running: asyncio.Future[T] | None = None
        self._overdue = False

    async def __call__(self, deadline: float) -> T:
        """What the function returns or raises.

        Args:
            deadline: Seconds until this caller gives up. Once one has, others do at once until the function returns.

        Raises:
            TimeoutError: It did not return in time.
            StillRunningError: It was given up earlier and still has not returned.
        """
        if self._overdue:
            raise StillRunningError(f"{self._name} was given up earlier and still has not returned")
        if self._running is None:
            self._running = start(self._function, self._name)
            self._running.add_done_callback(self._finished)
        try:
            async with asyncio.timeout(deadline):
                return await asyncio.shield(self._running)
        except TimeoutError:
            if self._running is not None:
                self._overdue = True
            raise

    def _finished(self, future: asyncio.Future[T]) -> None:
        self._running = None
        self._overdue = False
        if not future.cancelled():
            future.exception()  # seen: nobody may be waiting any more
