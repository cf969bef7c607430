"""Blocking calls in threads, off the event loop and each within a deadline.

All threads are daemon threads, and none makes two calls at once. A call that never returns can delay neither the loop,
nor another caller, nor the end of the process, as the threads of a pool of fixed size could.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import threading
import weakref
from collections.abc import Callable, Coroutine, Iterable
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar, cast

T = TypeVar("T")

_Job = Callable[[], None]


MOST_FREE = 4
"""The most threads that `Workers` keep without a call."""


HANDOVER = 0.1
"""Seconds by which a call of `in_turn` can delay the next one."""


class StillRunningError(TimeoutError):
    """A call that missed its deadline earlier and has not returned since."""


class NoThreadError(RuntimeError):
    """A thread that the system refused to start."""


def spawn(call: _Job, name: str) -> None:
    """Make a call in a new daemon thread.

    Args:
        call: What to call; must not raise.
        name: The thread's name.

    Raises:
        NoThreadError: The system has no thread left.
    """
    try:
        threading.Thread(target=call, name=name, daemon=True).start()
    except RuntimeError as error:
        limits = "raise the limit of processes (ulimit -u), of the service's tasks (TasksMax=) or of memory"
        raise NoThreadError(f"cannot start the thread {name!r}: {error}; {limits}") from error


class Worker:
    """A daemon thread that makes calls one after another.

    It starts with the first call and ends when this object is collected, after the call that it then makes.

    Args:
        name: The thread's name.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._started = False

    def submit(self, call: _Job) -> None:
        """Make a call after those submitted before.

        Args:
            call: What to call; must not raise.

        Raises:
            NoThreadError: The thread has yet to be started, and the system has none left.
        """
        if not self._started:
            jobs = self._jobs
            spawn(lambda: _work(jobs), self._name)
            weakref.finalize(self, jobs.put, None).atexit = False
            self._started = True
        self._jobs.put(call)

    def call(self, function: Callable[[], T]) -> asyncio.Future[T]:
        """Call a function after the calls submitted before; return a future of its result.

        Raises:
            NoThreadError: The thread has yet to be started, and the system has none left.
        """
        future, call = _promise(function, self._name)
        self.submit(call)
        return future


def _work(jobs: SimpleQueue[_Job | None]) -> None:
    while job := jobs.get():
        job()
        del job  # it may hold the worker's owner, whose collection ends this thread


class Workers:
    """Daemon threads for many short calls. A thread that is free makes the next call; a hung one delays no other.

    A new thread costs more than a short call, and the event loop waits until it runs.

    Args:
        name: The threads' name.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._free: list[Worker] = []

    async def call(self, function: Callable[[], T]) -> T:
        """Call a function in a thread, and return its result or raise its error.

        Raises:
            NoThreadError: No thread is free, and the system has none left.
        """
        worker = self._free.pop() if self._free else Worker(self._name)
        result = worker.call(function)
        try:
            return await result
        finally:
            if result.done() and not result.cancelled() and len(self._free) < MOST_FREE:
                self._free.append(worker)
            del worker  # any other thread ends with its call, also while a traceback holds this frame


async def in_turn(calls: Iterable[Callable[[], Coroutine[None, None, T]]]) -> list[T]:
    """Begin each call when the one before has ended, or after `HANDOVER`; return all results in order.

    Threads that run at the same time hand the interpreter's lock over at each system call.

    Args:
        calls: The calls, which must not raise.
    """
    tasks: list[asyncio.Task[T]] = []
    try:
        for call in calls:
            tasks.append(asyncio.create_task(call()))
            await asyncio.wait(tasks[-1:], timeout=HANDOVER)
        return [await task for task in tasks]
    finally:
        for task in tasks:
            task.cancel()


def start(function: Callable[[], T], name: str) -> asyncio.Future[T]:
    """Call `function` in a new daemon thread; return a future of its result.

    The future fails with what `function` raises, or with `NoThreadError` where no thread can be started.

    Args:
        function: What to call.
        name: The thread's name.
    """
    future, call = _promise(function, name)
    try:
        spawn(call, name)
    except NoThreadError as error:
        future.set_exception(error)
    return future


async def within(seconds: float | None, function: Callable[[], T], name: str) -> T:
    """Call `function` in a new daemon thread; without a free thread, call it here.

    Args:
        seconds: The deadline; `None` for none.
        function: What to call. It continues after the deadline.
        name: The thread's name.

    Raises:
        TimeoutError: The call takes longer.
    """
    try:
        async with asyncio.timeout(seconds):
            return await start(function, name)
    except NoThreadError:
        return function()


def wait_for(seconds: float, function: Callable[[], T], name: str) -> T:
    """Call `function` in a new daemon thread and block until it ends; without a free thread, call it here.

    Args:
        seconds: The deadline.
        function: What to call. It continues after the deadline.
        name: The thread's name.

    Raises:
        TimeoutError: The call takes longer. `strerror` has a text for users.
        Exception: An error of the function.
    """
    ended: SimpleQueue[tuple[T, None] | tuple[None, Exception]] = SimpleQueue()

    def call() -> None:
        try:
            ended.put((function(), None))
        except Exception as error:  # noqa: BLE001 - every error belongs to the caller
            ended.put((None, error))

    try:
        spawn(call, name)
    except NoThreadError:
        call()
    try:
        result, error = ended.get(timeout=seconds)
    except Empty:
        raise TimeoutError(errno.ETIMEDOUT, f"no answer within {seconds:g} s; check the disk") from None
    if error is not None:
        raise error
    return cast("T", result)


def _promise(function: Callable[[], T], name: str) -> tuple[asyncio.Future[T], _Job]:
    """Return a future and the call that settles it from another thread."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def deliver(setter: Callable[[Any], None], outcome: object) -> None:
        if not future.done():
            setter(outcome)

    def settle(setter: Callable[[Any], None], outcome: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed, so that no caller waits
            loop.call_soon_threadsafe(deliver, setter, outcome)

    def call() -> None:
        try:
            result = function()
        except Exception as error:  # noqa: BLE001 - every error belongs to the caller
            settle(future.set_exception, error)
        except BaseException as error:  # noqa: BLE001 - asyncio would end the loop for a SystemExit
            settle(future.set_exception, RuntimeError(f"{name} raised {error!r}"))
        else:
            settle(future.set_result, result)

    return future, call


class OneAtATime(Generic[T]):
    """A blocking function that runs at most once at a time; concurrent callers share its result.

    Args:
        function: What to call.
        name: The thread's name.
        resident: Keeps the thread between calls. A machine that runs out of threads later does not stop it then.
    """

    def __init__(self, function: Callable[[], T], name: str, *, resident: bool = False) -> None:
        self._function = function
        self._name = name
        self._worker = Worker(name) if resident else None
        self._running: asyncio.Future[T] | None = None
        self._overdue = False

    async def __call__(self, deadline: float) -> T:
        """Return the function's result, or raise what it raises.

        Args:
            deadline: Seconds that this caller waits. After a missed deadline, later callers fail at once until the
                function returns.

        Raises:
            TimeoutError: The function did not return in time.
            StillRunningError: The function missed an earlier deadline and has not returned since.
            NoThreadError: A thread has to be started, and the system has none left.
        """
        if self._overdue:
            raise StillRunningError(f"{self._name} missed an earlier deadline and has not returned since")
        if self._running is None or self._running.done():
            self._running = self._start()
            self._running.add_done_callback(self._finished)
        try:
            async with asyncio.timeout(deadline):
                return await asyncio.shield(self._running)
        except TimeoutError:
            if self._running is not None:
                self._overdue = True
            raise

    def _start(self) -> asyncio.Future[T]:
        if self._worker is None:
            return start(self._function, self._name)
        return self._worker.call(self._function)

    def _finished(self, future: asyncio.Future[T]) -> None:
        self._running = None
        self._overdue = False
        if not future.cancelled():
            future.exception()  # marks it as retrieved: a caller may no longer wait
