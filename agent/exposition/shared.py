"""One page for concurrent scrapes.

Owns the sharing of work, the thread that renders and compresses, and the lifetime of a page. It belongs to one event
loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Iterable, Mapping
from functools import partial
from typing import Generic, TypeVar

from isal import igzip

from agent.exposition.formats import Encoding, Format
from agent.exposition.render import Group, Rendered, Renderer
from collectors.offloop import NoThreadError, Worker

Names = frozenset[str]
"""The selected collectors of a scrape."""

_MOST_KEPT = 8
"""The maximum number of cached results; a scraper with many selections must not fill the memory."""

_GZIP_LEVEL = 1
"""The level of isal. It takes a quarter of the time of zlib's fastest level, for an eighth of the page's size."""

_Key = TypeVar("_Key", bound=Hashable)
_Result = TypeVar("_Result")


class SharedExposition:
    """The pages, rendered off the event loop and shared by concurrent scrapes of the same selection.

    Args:
        snapshot: Collects from the named collectors; its exception reaches every waiter.
        report: Called on the event loop after each rendering. Its arguments are the rendered collectors, the reason for
            each invalid one, and the reason for each missing foreign family.
        keep: Seconds for which a snapshot and a page of it are cached; a page is at most twice as old.
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
        # One thread, because the renderer is not thread-safe and scrapes should use at most one core.
        self._worker = Worker("exposition")

    async def page(self, format_: Format, encoding: Encoding, names: Names) -> bytes:
        """Return the page in this format and encoding.

        The work continues if one waiter is cancelled.
        """
        return await self._pages.get((format_, encoding, names), partial(self._make, format_, encoding, names))

    async def _make(self, format_: Format, encoding: Encoding, names: Names) -> bytes:
        groups = await self._snapshots.get(names, partial(self._collect, names))
        render = partial(self._render, groups, format_, encoding)
        try:
            rendered = await self._worker.call(render)
        except NoThreadError:  # a late page is better than none
            rendered = render()
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
    """The work shared by concurrent callers. Its result is cached for `keep` seconds."""

    def __init__(self, keep: float) -> None:
        self._keep = keep
        self._tasks: dict[_Key, asyncio.Task[_Result]] = {}

    async def get(self, key: _Key, work: Callable[[], Coroutine[None, None, _Result]]) -> _Result:
        """Return the result of `work`, or of the same work that another caller started. A failure is not cached."""
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
