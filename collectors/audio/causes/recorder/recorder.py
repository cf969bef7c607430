"""The recorder: looks at the machine all the time, and freezes the evidence of a dropout.

One thread looks, so that no look delays the event loop. `suspect` makes it look at everything at once.
"""

from __future__ import annotations

import asyncio
import os
import select
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TypeVar

import structlog

from collectors.audio.causes.evidence import Evidence, Incident, Window
from collectors.audio.causes.recorder.additions import KernelTraces, RenderTimes, with_log, with_plugins, with_trace
from collectors.audio.causes.recorder.looks import AFTER_NS, Looks
from collectors.audio.causes.recorder.pipewire_watch import PipeWireWatch
from collectors.audio.causes.recorder.schedule import Schedule, Tokens
from collectors.audio.jack.client_timings import TablePlace
from collectors.audio.jack.names import server_name
from collectors.audio.jack.passive import PassiveView
from collectors.audio.probe.ring import RingReader

log = structlog.get_logger()
T = TypeVar("T")

_SECOND_NS = 1_000_000_000
_IDLE_AFTER_NS = 5 * _SECOND_NS
"""The time for which it goes on looking after the end of a server or a probe."""
_EVENTS_A_SECOND = 20
"""The number of starts and ends of programs that wake the thread. On a machine that compiles they wait for a look."""
_STOP_SECONDS = 1.0
_ANSWER_SECONDS = 3.0


class Recorder:
    """The evidence of the last seconds.

    Args:
        server: The configured name of the JACK server.
        kernel: The kernel recorder; None without one.

    Attributes:
        plugins: Function that returns the plugins' render times around a dropout; None without plugins.
    """

    def __init__(self, server: str = "", kernel: KernelTraces | None = None) -> None:
        self._server = server_name(server)
        self._kernel = kernel
        self.plugins: RenderTimes | None = None
        self._view = PassiveView()
        self._freewheeling = False
        self._seen_ns = 0
        self._jobs: SimpleQueue[Callable[[Looks], None]] = SimpleQueue()
        self._incidents: SimpleQueue[Incident] = SimpleQueue()
        self._stop = threading.Event()
        self._wake = (-1, -1)
        self._lock = threading.Lock()
        self._suspected = False
        self._probe_runs = False
        self._is_jack = False
        self._pipewire = PipeWireWatch(self._may_be_pipewire, self._see_pipewire)
        self._active_ns = 0

    async def run(self) -> None:
        """Look until cancelled."""
        self._stop.clear()
        self._wake = os.pipe()
        for descriptor in self._wake:
            os.set_blocking(descriptor, False)
        thread = threading.Thread(target=self._work, name="audio-recorder", daemon=True)
        thread.start()
        try:
            await self._pipewire.run()
        finally:
            self._stop.set()
            self._rouse()
            await asyncio.shield(asyncio.to_thread(thread.join, _STOP_SECONDS))
            if not thread.is_alive():
                self._close()

    def see(self, view: PassiveView, now_ns: int, *, freewheeling: bool) -> None:
        """Take in the passive client's view; called at each poll."""
        before, self._view = self._view, view
        since_ns, self._seen_ns = self._seen_ns or now_ns, now_ns
        if (view.state == "running") != (before.state == "running") or view.since_ns != before.since_ns:
            self._see_state(before, view, since_ns, now_ns)
        if view.changed_ns > before.changed_ns and view.before:
            text = f"{view.before[1]} -> {view.block} frames, {view.before[0]} -> {view.rate} Hz"
            self._note(view.changed_ns, min(since_ns, view.changed_ns), "settings", self._server, text)
        if view.state == before.state == "running":
            for device in set(before.devices) - set(view.devices):
                self._note(now_ns, since_ns, "device_gone", device)
            for device in set(view.devices) - set(before.devices):
                self._note(now_ns, since_ns, "device_new", device)
        if freewheeling != self._freewheeling:
            self._note(now_ns, since_ns, "freewheel", self._server, "started" if freewheeling else "ended")
        self._freewheeling = freewheeling

    def suspect(self, at_ns: int) -> None:
        """Look at everything now, because a dropout may have happened at that time; safe from any thread."""
        self._suspected = True
        self._rouse()
        if self._kernel is not None:
            self._kernel.freeze(at_ns)

    def table(self) -> TablePlace | None:
        """Return the place of JACK's table of client timings; None without one. It blocks, so call it off the loop."""
        return self._ask(self._place)

    def graph_problem(self) -> str:
        """Return the sentence that the timings of clients are missing; empty if they are there.

        PipeWire's log has those of late nodes. This blocks, so call it off the loop.
        """
        if self._pipewire.is_found:
            return ""
        found = self._ask(lambda looks: looks.graph_problem())
        return "The recorder does not run." if found is None else found

    def probe_started(self, pid: int, copies: RingReader | None) -> None:
        """Take in the start of a probe.

        Args:
            pid: Its process.
            copies: The ring of its copies of the table, which the recorder closes; None without copies.
        """
        self._probe_runs = True
        self._note(time.monotonic_ns(), time.monotonic_ns(), "probe_started", "wr-agent-probe")

        self._submit(lambda looks: looks.attach(pid, copies))

    def probe_ended(self) -> None:
        """Take in the end of the probe."""
        self._probe_runs = False
        self._note(time.monotonic_ns(), time.monotonic_ns(), "probe_ended", "wr-agent-probe")
        self._submit(lambda looks: looks.detach())

    async def freeze(self, window: Window) -> Evidence:
        """Return the evidence of a settled dropout.

        `server_pid`, `own_pids` and `cpus` of the window are filled in.
        """
        ready_ns = window.end_ns + AFTER_NS
        if (early_ns := ready_ns - time.monotonic_ns()) > 0:
            await asyncio.sleep(early_ns / _SECOND_NS)
        evidence = await asyncio.to_thread(self._ask, lambda looks: looks.freeze(window))
        if evidence is None:
            evidence = Evidence(window=window, missing=("The recorder does not run.",))
        if self._pipewire.is_found:
            evidence = await with_log(evidence)
        if self.plugins is not None:
            evidence = await with_plugins(evidence, self.plugins)
        return await with_trace(evidence, self._kernel) if self._kernel is not None else evidence

    def _see_state(self, before: PassiveView, view: PassiveView, since_ns: int, now_ns: int) -> None:
        if view.state == "running":
            self._note(now_ns, since_ns, "server_started", self._server)
            self._submit(lambda looks: self._find_server(looks, view))
        elif before.state == "running":
            self._note(now_ns, since_ns, "server_ended", self._server, view.reason)
            self._submit(lambda looks: looks.forget_server(time.monotonic_ns()))

    def _find_server(self, looks: Looks, view: PassiveView) -> None:
        looks.find_server(view.devices, time.monotonic_ns())
        self._is_jack = looks.knows_server

    def _place(self, looks: Looks) -> TablePlace | None:
        if looks.table is None:
            self._find_server(looks, self._view)
        return looks.table.place(looks.rows()) if looks.table is not None else None

    def _note(self, at_ns: int, since_ns: int, kind: str, name: str, text: str = "") -> None:
        self._incidents.put(Incident(at_ns=at_ns, since_ns=since_ns, kind=kind, name=name, text=text))

    def _submit(self, job: Callable[[Looks], None]) -> None:
        self._jobs.put(job)
        self._rouse()

    def _ask(self, question: Callable[[Looks], T]) -> T | None:
        """Return the thread's answer; None if it does not run, failed or is late."""
        if self._wake[1] < 0:
            return None
        answer: SimpleQueue[T | None] = SimpleQueue()

        def job(looks: Looks) -> None:
            result = None
            try:
                result = question(looks)
            finally:
                answer.put(result)

        self._submit(job)
        try:
            return answer.get(timeout=_ANSWER_SECONDS)
        except Empty:
            return None

    def _rouse(self) -> None:
        """End the thread's wait. Any thread calls this, so a closed descriptor must not be written to."""
        with self._lock, suppress(OSError):
            if self._wake[1] >= 0:
                os.write(self._wake[1], b"\0")

    def _close(self) -> None:
        with self._lock:
            for descriptor in self._wake:
                os.close(descriptor)
            self._wake = (-1, -1)

    def _may_be_pipewire(self) -> bool:
        return self._view.state == "running" and not self._is_jack and not self._freewheeling

    def _see_pipewire(self, pid: int, clients: dict[str, int]) -> None:
        self._submit(lambda looks: looks.see_pipewire(pid, clients, time.monotonic_ns()))

    def _is_idle(self) -> bool:
        """Return whether there is nothing to watch: no server and no stream, for a while."""
        is_active = self._view.state == "running" or self._probe_runs
        if is_active:
            self._active_ns = time.monotonic_ns()
        return not is_active and time.monotonic_ns() - self._active_ns > _IDLE_AFTER_NS

    def _work(self) -> None:
        """Look until the end; the recorder's own thread."""
        looks = Looks(self._server, time.monotonic_ns())
        schedule = Schedule(time.monotonic_ns())
        tokens = Tokens(_EVENTS_A_SECOND)
        poll = select.poll()
        poll.register(self._wake[0], select.POLLIN)
        try:
            while not self._stop.is_set():
                self._wait(poll, looks, tokens, schedule)
                self._take_jobs(looks)
                try:
                    self._look(looks, schedule)
                except Exception:
                    log.exception("a look of the dropout recorder failed")
                    schedule.fail(time.monotonic_ns())
        finally:
            looks.close()

    def _look(self, looks: Looks, schedule: Schedule) -> None:
        """Look at what is due."""
        now_ns = time.monotonic_ns()
        if self._is_idle():
            looks.rest(now_ns)
            schedule.rest(now_ns)
            return
        schedule.resume(now_ns)
        suspected, self._suspected = self._suspected, False
        if suspected:
            schedule.suspect(now_ns)
        if (with_idle := schedule.take_burst(now_ns)) is not None:
            looks.glance(now_ns, idle=with_idle)
        if suspected and schedule.take_close(now_ns):
            looks.look_closely(now_ns)
        elif schedule.take_regular(now_ns):
            looks.look(now_ns)
        else:
            looks.see_events(now_ns)

    def _wait(self, poll: select.poll, looks: Looks, tokens: Tokens, schedule: Schedule) -> None:
        """Wait for the next look, a job, or a start or an end of a program."""
        now_ns = time.monotonic_ns()
        events, young_ns = looks.events.fileno(), looks.young_ns
        is_awaited = events >= 0 and not self._is_idle() and tokens.are_left(now_ns)
        if is_awaited:
            poll.register(events, select.POLLIN)
        until_ns = min(schedule.next_ns, young_ns) if young_ns else schedule.next_ns
        for descriptor, _ in poll.poll(max(until_ns - now_ns, 0) / 1e6):
            if descriptor == events:
                tokens.take()
            else:
                with suppress(OSError):
                    os.read(descriptor, 4096)
        if is_awaited:
            poll.unregister(events)

    def _take_jobs(self, looks: Looks) -> None:
        while not self._incidents.empty():
            looks.add_incident(self._incidents.get())
        while not self._jobs.empty():
            try:
                self._jobs.get()(looks)
            except Exception:
                log.exception("the dropout recorder failed")
