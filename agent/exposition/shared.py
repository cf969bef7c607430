"""One page for all scrapes that arrive together.

Owns who waits for which work, the thread that renders and compresses, and how long a page may be served again.
Belongs to one event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Generic, TypeVar

from isal import igzip

from agent.exposition.formats import Encoding, Format
from agent.exposition.render import Group, Rendered, Renderer

Names = frozenset[str]
"""The collectors that a scrape selects."""

_MOST_KEPT = 8
"""Results that are kept at most: a scraper that asks for ever new selections must not fill the memory."""

_GZIP_LEVEL = 1
"""A quarter of zlib's fastest level's time, for a body that is an eighth of the page all the same."""

_Key = TypeVar("_Key", bound=Hashable)
_Result = TypeVar("_Result")


class SharedExposition:
    """Renders pages off the event loop, each once for all scrapes that ask for the same within a moment.

    Args:
        snapshot: Collects from the named collectors; an exception of its reaches every waiter.
        report: Told, on the event loop and once a rendering, which collectors were rendered, which of them gave
            nonsense and why, and which foreign families of which of them were left out and why.
        keep: Seconds for which a snapshot, and a page made of it, is served again; a page is at most twice as old.
    """

    def __init__(
        self,
        snapshot: Callable[[Names], Awaitable[list[Group]]],
        report: Callable[[Iterable[str], Mapping[str, str], Mapping[str, Mapping[str, str]]], None],
        keep: float = 0.25,
    ) -> None:
        self._snapshot = snapshot
        self._report = report
        self._snapshots: _Shared[Names, list[Group]] = _Shared(keep)
        self._pages: _Shared[tuple[Format, Encoding, Names], bytes] = _Shared(keep)
        self._renderer = Renderer()
        # One thread: the renderer's memory is not made for two, and scrapes should not take more than one core.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="exposition")

    async def page(self, format_: Format, encoding: Encoding, names: Names) -> bytes:
        """The page in this format and encoding.

        Cancelling one waiter leaves the work to the others.
        """
        return await self._pages.get((format_, encoding, names), partial(self._make, format_, encoding, names))

    def close(self) -> None:
        """End the thread after the rendering that it is at, if any."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _make(self, format_: Format, encoding: Encoding, names: Names) -> bytes:
        groups = await self._snapshots.get(names, partial(self._collect, names))
        loop = asyncio.get_running_loop()
        rendered = await loop.run_in_executor(self._thread, self._render, groups, format_, encoding)
        self._report([collector for collector, _ in groups], rendered.errors, rendered.left_out)
        return rendered.body

    def _render(self, groups: list[Group], format_: Format, encoding: Encoding) -> Rendered:
        page = self._renderer.render(groups, format_)
        if encoding is Encoding.IDENTITY:
            return page
        return Rendered(igzip.compress(page.body, _GZIP_LEVEL, mtime=0), page.errors, page.left_out)

    async def _collect(self, names: Names) -> list[Group]:
        return await self._snapshot(names)


class _Shared(Generic[_Key, _Result]):
    """Runs work once for all who ask for it while it runs, and keeps its result for `keep` seconds after that."""

    def __init__(self, keep: float) -> None:
        self._keep = keep
        self._tasks: dict[_Key, asyncio.Task[_Result]] = {}

    async def get(self, key: _Key, work: Callable[[], Coroutine[None, None, _Result]]) -> _Result:
        """The result of `work`, or of the same work begun for another. A failure is not kept."""
        task = self._tasks.get(key) or self._begin(key, work)
        return await asyncio.shield(task)

    def _begin(self, key: _Key, work: Callable[[], Coroutine[None, None, _Result]]) -> asyncio.Task[_Result]:
        if len(self._tasks) >= _MOST_KEPT:
            del self._tasks[next(iter(self._tasks))]
        task = self._tasks[key] = asyncio.create_task(work())
        task.add_done_callback(partial(self._done, key))
        return task

    def _done(self, key: _Key, task: asyncio.Task[_Result]) -> None:
        if task.cancelled() or task.exception():
            self._forget(key, task)
        else:
            task.get_loop().call_later(self._keep, self._forget, key, task)

    def _forget(self, key: _Key, task: asyncio.Task[_Result]) -> None:
        if self._tasks.get(key) is task:
            del self._tasks[key]
