"""The recorder: looks at the machine all the time, and freezes the evidence of a dropout.

One thread looks, so that no look delays the event loop. `suspect` makes it look at everything at once.
"""

from __future__ import annotations

import asyncio
import os
import select
import threading
import time
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Protocol, TypeVar

import msgspec
import structlog

from collectors.audio.causes.evidence import Evidence, Incident, PluginTime, Window
from collectors.audio.causes.recorder import pipewire_log
from collectors.audio.causes.recorder.looks import AFTER_NS, LOOK_NS, Looks
from collectors.audio.causes.recorder.pipewire_log import read_journal
from collectors.audio.jack.client_timings import TablePlace
from collectors.audio.jack.names import server_name
from collectors.audio.jack.passive import PassiveView
from collectors.audio.pipewire.clients import find_pipewire, parse_clients
from collectors.audio.pipewire.nodes import server_socket
from collectors.audio.probe.ring import RingReader
from collectors.child_process import end_child, start_child
from collectors.offloop import start

log = structlog.get_logger()
T = TypeVar("T")

RenderTimes = Callable[[int, int], Awaitable[tuple[PluginTime, ...]]]
"""The type of a function that returns the plugins' render times between two monotonic times in nanoseconds."""

_SECOND_NS = 1_000_000_000
_SUSPECT_PAUSE_NS = 150_000_000
"""The shortest time between two looks at everything."""
_IDLE_AFTER_NS = 5 * _SECOND_NS
"""The time for which it goes on looking after the end of a server or a probe."""
_IDLE_NS = 10 * _SECOND_NS
"""The pause while there is nothing to watch, which a server or a probe ends."""
_EVENTS_A_SECOND = 20
"""The number of starts and ends of programs that wake the thread. On a machine that compiles they wait for a look."""
_BURST_NS = tuple(milliseconds * 1_000_000 for milliseconds in (0, 5, 10, 20, 40, 80, 160))
"""The times of the looks at the audio threads after a suspicion."""
_IDLE_TOO = frozenset({0, 4, 6})
"""The numbers of those that include the idle threads."""
_BURST_PAUSE_NS = _SECOND_NS // 3
_TRACE_BEFORE_NS, _TRACE_AFTER_NS = 2 * _SECOND_NS, _SECOND_NS // 10
"""The time of the kernel's trace before and after a dropout."""
_PIPEWIRE_SECONDS = 60.0
"""The pause between two looks at PipeWire's clients, which take 20 ms of a processor."""
_PIPEWIRE_FIRST_SECONDS = 2.0
_DUMP_SECONDS = 5.0
_PLUGINS_SECONDS = 1.0
_LOG_BEFORE_NS, _LOG_AFTER_NS = _SECOND_NS, 2 * _SECOND_NS
_NO_TRACE = "No kernel trace of this time."
_STOP_SECONDS = 1.0
_ANSWER_SECONDS = 3.0


async def _dump() -> str:
    """Return the output of `pw-dump`; empty if it fails."""
    try:
        process = await start_child("pw-dump", stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL)
    except OSError:
        return ""
    try:
        output, _ = await asyncio.wait_for(process.communicate(), _DUMP_SECONDS)
    except TimeoutError:
        return ""
    finally:
        await end_child(process)
    return output.decode(errors="replace")


async def _render_times(ask: RenderTimes, window: Window) -> tuple[PluginTime, ...]:
    """Return the plugins' render times around a dropout; none if they do not answer in time."""
    try:
        return await asyncio.wait_for(ask(window.start_ns, window.end_ns), _PLUGINS_SECONDS)
    except TimeoutError:
        return ()
    except Exception:
        log.exception("the plugins' render times could not be read")
        return ()


async def _with_log(evidence: Evidence) -> Evidence:
    """Return the evidence with the lines that PipeWire logged."""
    window = evidence.window
    lines, problem = await read_journal(window.start_ns - _LOG_BEFORE_NS, window.end_ns + _LOG_AFTER_NS)
    found = pipewire_log.incidents(lines)
    return msgspec.structs.replace(
        evidence,
        incidents=tuple(sorted((*evidence.incidents, *found), key=lambda incident: incident.at_ns)),
        cycles=evidence.cycles or pipewire_log.cycles(lines),
        missing=(*evidence.missing, problem) if problem else evidence.missing,
    )


class KernelTraces(Protocol):
    """The client of the kernel recorder."""

    def freeze(self, at_ns: int) -> None:
        """Freeze the running trace without blocking."""

    async def capture(self, start_ns: int, end_ns: int) -> int | None:
        """Return the descriptor of the trace between two times; None if there is none."""

    @property
    def pid(self) -> int:
        """The process of the kernel recorder; 0 if it is not connected."""

    @property
    def missing(self) -> str:
        """The sentence for an event without a trace; empty while the recorder is connected."""


class _Tokens:
    """A limit of events a second, which may come at once."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._left = float(rate)
        self._at_ns = 0

    def are_left(self, now_ns: int) -> bool:
        """Return whether an event is allowed now."""
        self._left = min(self._left + (now_ns - self._at_ns) / _SECOND_NS * self._rate, self._rate)
        self._at_ns = now_ns
        return self._left >= 1

    def take(self) -> None:
        """Take in an event."""
        self._left -= 1


class _Schedule:
    """The times of the looks.

    Args:
        now_ns: Monotonic time.

    Attributes:
        due_ns: The time of the next regular look.
        closely_ns: The time of the last look at everything.
    """

    def __init__(self, now_ns: int) -> None:
        self.due_ns = now_ns
        self.closely_ns = 0
        self._rests = False
        self._burst_ns = 0
        self._burst_next = len(_BURST_NS)

    @property
    def next_ns(self) -> int:
        """The time of the next look of either kind."""
        if self._burst_next == len(_BURST_NS):
            return self.due_ns
        return min(self.due_ns, self._burst_ns + _BURST_NS[self._burst_next])

    def rest(self, now_ns: int) -> None:
        """Take in that there is nothing to watch."""
        self.due_ns = now_ns + _IDLE_NS
        self._burst_next = len(_BURST_NS)
        self._rests = True

    def resume(self, now_ns: int) -> None:
        """Take in that there is something to watch."""
        if self._rests:
            self.due_ns = now_ns
            self._rests = False

    def suspect(self, now_ns: int) -> None:
        """Start a burst of looks, unless one started a short time ago."""
        if now_ns - self._burst_ns >= _BURST_PAUSE_NS:
            self._burst_ns, self._burst_next = now_ns, 0

    def take_burst(self, now_ns: int) -> int | None:
        """Return the number of the look of a burst that is due; None if none is."""
        number = None
        while self._burst_next < len(_BURST_NS) and now_ns >= self._burst_ns + _BURST_NS[self._burst_next]:
            number = self._burst_next
            self._burst_next += 1
        return number


class Recorder:
    """The evidence of the last seconds.

    Args:
        server: The configured name of the JACK server.
        kernel: The kernel recorder; None without one.

    Attributes:
        plugins: Function that returns the plugins' render times around a dropout; None without plugins.
    """

    def __init__(
        self,
        server: str = "",
        kernel: KernelTraces | None = None,
    ) -> None:
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
        self._suspected = False
        self._probe_runs = False
        self._pipewire: int | None = None
        self._has_table = False
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
            await self._follow_pipewire()
        finally:
            self._stop.set()
            self._rouse()
            await asyncio.shield(asyncio.to_thread(thread.join, _STOP_SECONDS))
            descriptors, self._wake = self._wake, (-1, -1)
            for descriptor in descriptors:
                os.close(descriptor)

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
        if self._pipewire is not None:
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
        if self._pipewire is not None:
            evidence = await _with_log(evidence)
        if self.plugins is not None:
            evidence = msgspec.structs.replace(evidence, plugins=await _render_times(self.plugins, window))
        return await self._with_capture(evidence, self._kernel) if self._kernel is not None else evidence

    async def _follow_pipewire(self) -> None:
        """Find PipeWire's process and those of its nodes until cancelled; they are needed where no JACK runs."""
        while True:
            socket = server_socket() if self._view.state == "running" and not self._has_table else None
            if socket is None:
                self._pipewire = None
            elif not self._freewheeling:
                await self._look_at_pipewire(socket)
            await asyncio.sleep(_PIPEWIRE_SECONDS if self._pipewire else _PIPEWIRE_FIRST_SECONDS)

    async def _look_at_pipewire(self, socket: Path) -> None:
        pid = await start(partial(find_pipewire, socket), "find PipeWire")
        clients = parse_clients(await _dump()) if pid else {}
        self._pipewire = pid or None
        if pid:
            self._submit(lambda looks: looks.see_pipewire(pid, clients, time.monotonic_ns()))

    async def _with_capture(self, evidence: Evidence, kernel: KernelTraces) -> Evidence:
        window = evidence.window
        capture = await kernel.capture(window.start_ns - _TRACE_BEFORE_NS, window.end_ns + _TRACE_AFTER_NS)
        if capture is not None:
            window = msgspec.structs.replace(window, own_pids=(*window.own_pids, kernel.pid))
            return msgspec.structs.replace(evidence, window=window, capture=capture)
        return msgspec.structs.replace(evidence, missing=(*evidence.missing, kernel.missing or _NO_TRACE))

    def _see_state(self, before: PassiveView, view: PassiveView, since_ns: int, now_ns: int) -> None:
        if view.state == "running":
            self._note(now_ns, since_ns, "server_started", self._server)
            self._submit(lambda looks: self._find_server(looks, view))
        elif before.state == "running":
            self._note(now_ns, since_ns, "server_ended", self._server, view.reason)
            self._submit(lambda looks: looks.forget_server(time.monotonic_ns()))

    def _find_server(self, looks: Looks, view: PassiveView) -> None:
        looks.find_server(view.devices, time.monotonic_ns())
        self._has_table = looks.table is not None

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
        if self._wake[1] >= 0:
            with suppress(OSError):
                os.write(self._wake[1], b"\0")

    def _is_idle(self) -> bool:
        """Return whether there is nothing to watch: no server and no stream, for a while."""
        is_active = self._view.state == "running" or self._probe_runs
        if is_active:
            self._active_ns = time.monotonic_ns()
        return not is_active and time.monotonic_ns() - self._active_ns > _IDLE_AFTER_NS

    def _work(self) -> None:
        """Look until the end; the recorder's own thread."""
        looks = Looks(self._server, time.monotonic_ns())
        schedule = _Schedule(time.monotonic_ns())
        tokens = _Tokens(_EVENTS_A_SECOND)
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
                    schedule.due_ns = time.monotonic_ns() + _SECOND_NS
        finally:
            looks.close()

    def _look(self, looks: Looks, schedule: _Schedule) -> None:
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
        if (number := schedule.take_burst(now_ns)) is not None:
            looks.glance(now_ns, idle=number in _IDLE_TOO)
        if suspected and now_ns - schedule.closely_ns > _SUSPECT_PAUSE_NS:
            schedule.closely_ns = now_ns
            looks.look_closely(now_ns)
        elif now_ns >= schedule.due_ns:
            looks.look(now_ns)
            schedule.due_ns = max(schedule.due_ns + LOOK_NS, now_ns)
        else:
            looks.see_events(now_ns)

    def _wait(self, poll: select.poll, looks: Looks, tokens: _Tokens, schedule: _Schedule) -> None:
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
