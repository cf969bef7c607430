"""The supervisor, which runs collectors and takes their snapshots, isolated from the daemon and from each other.

A collector that raises, hangs or produces invalid metrics loses only its own families. The supervisor counts such
failures, and `agent.core.own_metrics` exports the counts.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import partial

import structlog

from collectors.base import Collector
from collectors.metrics import Family
from collectors.offloop import NoThreadError, OneAtATime, in_turn
from collectors.plain_errors import unexpected
from collectors.restart_delay import RestartDelay

log = structlog.get_logger()

FIRST_DELAY = 0.5
"""Seconds before the first restart of a `run()`; the delay doubles with each further one."""

LONGEST_DELAY = 60.0
"""The maximum delay in seconds. After a `run()` that lasted as long, the delay is `FIRST_DELAY` again."""

STOP_TIMEOUT = 2.0
"""The timeout in seconds for the end of a cancelled `run()`."""


class Supervised:
    """One collector, its running task and its health.

    Attributes:
        errors: The number of times that `run()` ended or a snapshot failed or was invalid.
        restarts: The number of restarts of `run()`.
        duration: The seconds of the last snapshot, successful or not.
        run_error, snapshot_error, render_error: The reason why this step fails now; empty while it succeeds.
    """

    def __init__(self, collector: Collector) -> None:
        self.collector = collector
        self.errors = 0
        self.restarts = 0
        self.duration = 0.0
        self.run_error = ""
        self.snapshot_error = ""
        self.render_error = ""
        self._snapshot = OneAtATime(lambda: list(collector.collect()), f"collect {collector.name}", resident=True)
        self._view = OneAtATime(collector.view, f"view {collector.name}")
        self._view_failed = False
        self._task: asyncio.Task[None] | None = None

    @property
    def error(self) -> str:
        """The reason why the collector is down; empty while it is up."""
        return self.run_error or self.snapshot_error or self.render_error

    def start(self, restored: asyncio.Future[None] | None = None) -> None:
        """Start the collector's task.

        Args:
            restored: Its end is the end of `restore()`, which `run()` follows.
        """
        self._task = asyncio.create_task(self._run(restored), name=f"run {self.collector.name}")

    async def stop(self) -> None:
        """Cancel the collector's task and wait for its end, at most `STOP_TIMEOUT`."""
        if self._task is None:
            return
        self._task.cancel()
        _, late = await asyncio.wait({self._task}, timeout=STOP_TIMEOUT)
        if late:
            log.error("collector ignores its cancellation", collector=self.collector.name, waited=STOP_TIMEOUT)

    async def snapshot(self, deadline: float) -> Sequence[Family] | None:
        """Return the collector's families; `None` if it raises or takes more than `deadline` seconds."""
        started = time.monotonic()
        try:
            families = await self._collected(deadline)
        except TimeoutError as error:
            self._failed_snapshot(str(error) or f"no snapshot within {deadline:g} s")
            return None
        except Exception as error:  # noqa: BLE001 - a collector may raise anything; it must not cost the others
            self._failed_snapshot(unexpected(error))
            return None
        finally:
            self.duration = time.monotonic() - started
        self._recovered("snapshot", self.snapshot_error)
        self.snapshot_error = ""
        return families

    async def view(self, deadline: float) -> object:
        """Return the collector's live values; `None` without any, on an error, or after `deadline` seconds."""
        try:
            found = await self._view(deadline)
        except Exception as error:  # noqa: BLE001 - a collector may raise anything; it must not cost the others
            if not self._view_failed:
                problem = unexpected(error)
                log.warning("collector produced no live values", collector=self.collector.name, problem=problem)
            self._view_failed = True
            return None
        self._view_failed = False
        return found

    async def _collected(self, deadline: float) -> Sequence[Family]:
        try:
            return await self._snapshot(deadline)
        except NoThreadError:
            if self.collector.reads_memory_only:
                return list(self.collector.collect())
            raise

    def judge_rendering(self, problem: str | None) -> None:
        """Record whether the last snapshot was valid."""
        if problem is None:
            self._recovered("rendering", self.render_error)
            self.render_error = ""
            return
        self.errors += 1
        if not self.render_error:
            log.error("collector produced invalid metrics", collector=self.collector.name, problem=problem)
        self.render_error = problem

    async def _run(self, restored: asyncio.Future[None] | None) -> None:
        if restored is not None and not restored.done():
            self.run_error = "its state cannot be read; check the disk of state_dir"
            log.error("collector waits for its state", collector=self.collector.name, problem=self.run_error)
            await asyncio.wait({restored})
            self._recovered("restore", self.run_error)
            self.run_error = ""
        restart = RestartDelay(FIRST_DELAY, LONGEST_DELAY)
        while True:
            started = time.monotonic()
            self.run_error = await self._run_once()
            self.errors += 1
            delay = restart.after(time.monotonic() - started)
            log.error("collector stopped", collector=self.collector.name, problem=self.run_error, restart_in=delay)
            await asyncio.sleep(delay)
            self.restarts += 1
            self.run_error = ""

    async def _run_once(self) -> str:
        try:
            await self.collector.run()
        except Exception as error:
            log.debug("collector raised", collector=self.collector.name, exc_info=True)
            return unexpected(error)
        return "its run() ended, which only cancellation should do"

    def _failed_snapshot(self, problem: str) -> None:
        self.errors += 1
        if not self.snapshot_error:
            log.error("collector produced no snapshot", collector=self.collector.name, problem=problem)
        self.snapshot_error = problem

    def _recovered(self, what: str, previous: str) -> None:
        if previous:
            log.info("collector recovered", collector=self.collector.name, step=what, previous_problem=previous)


class Supervisor:
    """All collectors of the daemon, by name.

    Args:
        deadline: Returns the timeout of one collector's snapshot in seconds. Each snapshot calls it, so a reload
            applies.
    """

    def __init__(self, deadline: Callable[[], float]) -> None:
        self._deadline = deadline
        self._supervised: dict[str, Supervised] = {}

    @property
    def supervised(self) -> Mapping[str, Supervised]:
        """The supervised collectors, by name."""
        return self._supervised

    def add(self, collector: Collector, restored: asyncio.Future[None] | None = None) -> None:
        """Start a collector whose name is not in use.

        Args:
            collector: The collector.
            restored: Its end is the end of the collector's `restore()`, which its `run()` follows.
        """
        supervised = Supervised(collector)
        self._supervised[collector.name] = supervised
        supervised.start(restored)

    async def remove(self, name: str) -> None:
        """Stop and remove a collector."""
        await self._supervised.pop(name).stop()

    async def stop(self) -> None:
        """Stop all collectors at once."""
        await asyncio.gather(*(supervised.stop() for supervised in self._supervised.values()))
        self._supervised.clear()

    async def snapshot(self, names: AbstractSet[str]) -> list[tuple[str, Sequence[Family]]]:
        """Collect from the named collectors; return the families of those that succeed. A slow one delays no other."""
        asked = [name for name in self._supervised if name in names]
        deadline = self._deadline()
        answers = await in_turn([partial(self._supervised[name].snapshot, deadline) for name in asked])
        return [(name, families) for name, families in zip(asked, answers, strict=True) if families is not None]

    async def views(self, names: AbstractSet[str]) -> dict[str, object]:
        """Return the live values of the named collectors that have any."""
        asked = [name for name in self._supervised if name in names]
        deadline = self._deadline()
        answers = await asyncio.gather(*(self._supervised[name].view(deadline) for name in asked))
        return {name: view for name, view in zip(asked, answers, strict=True) if view is not None}

    def states(self) -> dict[str, object]:
        """Return the additional state of collectors, by their name."""
        states = {name: it.collector.state() for name, it in self._supervised.items()}
        return {name: state for name, state in states.items() if state is not None}

    def judge_rendering(
        self, names: Iterable[str], problems: Mapping[str, str], left_out: Mapping[str, Mapping[str, str]]
    ) -> None:
        """Record which families of the named collectors are not on the page, and why: all, or foreign ones."""
        for name in names:
            if name in self._supervised:
                self._supervised[name].judge_rendering(problems.get(name))
                self._supervised[name].collector.left_out(left_out.get(name, {}))
