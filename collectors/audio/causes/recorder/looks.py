"""All looks of the recorder and their memory. One thread owns it; only `add_incident` may be called from others."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterable
from contextlib import suppress

import msgspec

from collectors.audio.causes.evidence import Cycle, Evidence, Incident, Window, encode
from collectors.audio.causes.recorder.audio_threads import AudioProcess, AudioThreads, own_processes
from collectors.audio.causes.recorder.clock_pairs import ClockPairs
from collectors.audio.causes.recorder.graph import ClientNames, GraphCopies
from collectors.audio.causes.recorder.kernel_log import KernelLog
from collectors.audio.causes.recorder.machine import MachineLooks
from collectors.audio.causes.recorder.portless import name_portless
from collectors.audio.causes.recorder.process_events import ProcessEvent, ProcessEvents
from collectors.audio.causes.recorder.processes import Processes
from collectors.audio.causes.recorder.quotas import Quotas
from collectors.audio.causes.recorder.schedule import LOOK_NS
from collectors.audio.jack.client_processes import find_processes
from collectors.audio.jack.client_timings import DRIVER, ClientTimings, NoTableError, find_table
from collectors.audio.jack.server_process import find_server
from collectors.audio.probe.ring import RingReader

_SECOND_NS = 1_000_000_000
_PROCESSES_EVERY, _MACHINE_EVERY, _QUOTAS_EVERY, _LIST_EVERY, _MEMORY_EVERY = 2, 3, 2, 5, 6
_WHOLE_EVERY, _EVERYTHING_EVERY = 10, 30
"""The number of looks between two looks at what changes less or costs more."""
BEFORE_NS = 3 * _SECOND_NS
AFTER_NS = _SECOND_NS // 2
_LATE_NS = 300_000_000
"""The delay of a look that shows a stopped or starved agent."""
_SLEPT_NS = 50_000_000
_RAN_NS = 2 * _SECOND_NS
"""The age of the last processor time of a process that is looked at closely."""
_ENDS_BEFORE_NS = _SECOND_NS
"""The time before a dropout in which the end of any process is evidence."""
_RETRY_NS = 10 * _SECOND_NS
_MOST_INCIDENTS = 256
_MOST_BYTES = 2 << 20
_SPARE_ROWS, _ROW_STEP = 6, 16


class Looks:
    """The rolling memory.

    Args:
        server: The JACK server's name.
        now_ns: Monotonic time.
    """

    def __init__(self, server: str, now_ns: int) -> None:
        self._server = server
        self._threads = AudioThreads()
        self._processes = Processes()
        self._machine = MachineLooks()
        self._quotas = Quotas()
        self._kernel_log = KernelLog(now_ns)
        self.events = ProcessEvents()
        self._incidents: deque[Incident] = deque(maxlen=_MOST_INCIDENTS)
        self._ends: deque[Incident] = deque(maxlen=_MOST_INCIDENTS)
        self._names = ClientNames()
        self._pids: dict[str, int] = {}
        self._searched_ns = 0
        self._unnamed: set[int] = set()
        self._portless: dict[int, str] = {}
        self._named_ns = 0
        self._table: ClientTimings | None = None
        self._table_failure = "no JACK server was found yet"
        self._copies: GraphCopies | None = None
        self._server_pid = 0
        self._devices: tuple[str, ...] = ()
        self._tried_ns = 0
        self._number = 0
        self._looked_ns = self._listed_ns = self._clients_ns = now_ns
        self._closely_ns = 0
        self._slept_ns = _slept_ns()
        self._probe_pid = 0
        self._ring: RingReader | None = None

    def close(self) -> None:
        """Release what is open."""
        self.detach()
        self.forget_server(time.monotonic_ns())
        self._kernel_log.close()
        self.events.close()

    def add_incident(self, incident: Incident) -> None:
        """Add an incident; safe from any thread."""
        self._incidents.append(incident)

    def find_server(self, devices: Iterable[str], now_ns: int) -> None:
        """Find the server's process and its table of client timings."""
        self.forget_server(now_ns)
        self._devices = tuple(devices)
        self._find_table(now_ns)
        if self._table is None:
            process = find_server(self._server)
            self._server_pid = process.pid if process is not None else 0
        self._number = 0

    def _find_table(self, now_ns: int) -> None:
        self._tried_ns = now_ns
        try:
            self._table = find_table(self._server, self._devices)
        except NoTableError as failure:
            self._table_failure = str(failure)
            return
        self._server_pid = self._table.server.pid
        self._copies = GraphCopies(self._table.row_bytes, ClockPairs(self._table.clock))

    def see_pipewire(self, pid: int, clients: dict[str, int], now_ns: int) -> None:
        """Take in PipeWire's process and those of its nodes."""
        is_first = self._server_pid != pid
        started, ended = clients.keys() - self._pids.keys(), self._pids.keys() - clients.keys()
        for name in () if is_first else started:
            self._add(now_ns, self._clients_ns, "client_started", name, clients[name])
        for name in () if is_first else ended:
            self._add(now_ns, self._clients_ns, "client_ended", name, self._pids[name])
        self._server_pid, self._pids = pid, dict(clients)
        self._clients_ns = now_ns
        self._devices = ()
        self._table_failure = "PipeWire keeps no table of them, its log shows late nodes only"

    def forget_server(self, now_ns: int) -> None:
        """Take in the end of the server; what was seen of it stays."""
        self._drain()
        if self._table is not None:
            self._table.close()
        self._table = None
        self._table_failure = "no JACK server runs"
        self._names.clear(now_ns)
        self._server_pid = 0
        self._devices = ()
        self._pids = {}

    @property
    def knows_server(self) -> bool:
        """True if the server's process is known, which is JACK's unless `see_pipewire` was called."""
        return self._server_pid > 0

    @property
    def table(self) -> ClientTimings | None:
        """The server's table; None without one."""
        return self._table

    def rows(self) -> int:
        """Return the number of the table's rows to copy: those in use and some more."""
        used = max(self._names.present or (self._table.names() if self._table else {}), default=0)
        return (used + 1 + _SPARE_ROWS + _ROW_STEP - 1) // _ROW_STEP * _ROW_STEP

    def attach(self, pid: int, ring: RingReader | None) -> None:
        """Take in the start of a probe."""
        self.detach()
        self._probe_pid, self._ring = pid, ring
        self._number = 0

    def detach(self) -> None:
        """Take in the last copies of a probe that has ended."""
        self._drain()
        if self._ring is not None:
            self._ring.close()
        self._ring = None
        self._probe_pid = 0

    def rest(self, now_ns: int) -> None:
        """Take in that there is nothing to watch."""
        self._looked_ns = self._listed_ns = self._clients_ns = now_ns
        self._slept_ns = _slept_ns()
        self._number = 0

    def look(self, now_ns: int) -> None:
        """Look at what is due; called each `LOOK_NS`."""
        self._see_time(now_ns)
        number, self._number = self._number, self._number + 1
        is_whole = number % _WHOLE_EVERY == 0
        self._see_events(self.events.read(), now_ns)
        if number % _LIST_EVERY == 0:
            self._see_processes(now_ns)
        if is_whole:
            self._see_clients(now_ns)
            self._threads.discover(self._audio_processes(), now_ns)
            self._threads.look_at_all(now_ns)
        else:
            self._threads.look(now_ns)
        if number % _QUOTAS_EVERY == 0:
            self._quotas.look(self._audio_pids() if is_whole else None, now_ns)
        if number % _PROCESSES_EVERY == 0:
            self._processes.look(now_ns, whole=is_whole)
        if number % _MACHINE_EVERY == 0:
            is_rare = number % _EVERYTHING_EVERY == 0
            self._machine.look(now_ns, memory=number % _MEMORY_EVERY == 0, everything=is_rare)

    def look_closely(self, now_ns: int) -> None:
        """Look at everything, because a dropout may have happened."""
        self._see_time(now_ns)
        self._closely_ns = now_ns
        self._see_events(self.events.read(), now_ns)
        self._processes.look(now_ns, whole=True)
        self._machine.look(now_ns, memory=True, everything=True)
        self._see_processes(now_ns)
        self._see_clients(now_ns)
        self._threads.discover(self._audio_processes(), now_ns)
        self._quotas.look(self._audio_pids(), now_ns)
        self._processes.refresh(now_ns - _RAN_NS)
        self._threads.refresh()

    def glance(self, now_ns: int, *, idle: bool) -> None:
        """Look at the audio threads and the table of client timings, because a dropout may go on.

        Args:
            now_ns: Monotonic time.
            idle: Whether to look at the idle threads too.
        """
        if self._copies is not None and self._table is not None:
            with suppress(OSError):
                self._copies.clock.read()
                self._copies.add(now_ns, self._table.copy(self.rows()))
        self._threads.look_closely(now_ns, idle=idle)
        self._processes.look_for_suspects(now_ns)

    def see_events(self, now_ns: int) -> None:
        """Take in the kernel's reports of processes at once, so that a short program is named."""
        self._see_events(self.events.read(), now_ns)
        self._processes.look_at_young(now_ns)

    @property
    def young_ns(self) -> int:
        """The time of the next look at processes that started a short time ago; 0 if there are none."""
        return self._processes.young_ns

    def freeze(self, window: Window) -> Evidence:
        """Return the evidence of a dropout."""
        now_ns = time.monotonic_ns()
        if self._closely_ns < window.end_ns:
            self.glance(now_ns, idle=True)
            self.look_closely(now_ns)
        self._drain()
        first_ns, last_ns = window.start_ns - BEFORE_NS, window.end_ns + AFTER_NS
        ends = [it for it in self._ends if it.name and it.at_ns >= window.start_ns - _ENDS_BEFORE_NS]
        incidents = [it for it in (*self._incidents.copy(), *ends) if first_ns <= it.at_ns and it.since_ns <= last_ns]
        evidence = Evidence(
            window=msgspec.structs.replace(
                window,
                server_pid=window.server_pid or self._server_pid,
                own_pids=self.own_pids(),
                cpus=os.cpu_count() or 1,
            ),
            incidents=tuple(sorted(incidents, key=lambda incident: incident.at_ns)),
            threads=self._threads.tracks(first_ns, window.start_ns),
            processes=self._processes.tracks(first_ns, last_ns),
            cycles=self._cycles(window, first_ns, last_ns),
            system=self._machine.tracks(first_ns),
            groups=self._quotas.tracks(first_ns),
            missing=tuple(self._missing()),
        )
        return _bounded(evidence)

    def graph_problem(self) -> str:
        """Return the sentence that the timings of clients are missing; empty if they are there."""
        return f"No timings of each client: {self._table_failure}." if self._table is None else ""

    def own_pids(self) -> tuple[int, ...]:
        """Return the processes of the agent."""
        probe = (self._probe_pid,) if self._probe_pid else ()
        return tuple(dict.fromkeys((*own_processes(), *probe)))

    def _cycles(self, window: Window, first_ns: int, last_ns: int) -> tuple[Cycle, ...]:
        if self._copies is None:
            return ()
        return self._copies.cycles(self._names, first_ns, last_ns, window.start_ns)

    def _missing(self) -> list[str]:
        missing = []
        if problem := self.graph_problem():
            missing.append(problem)
        elif self._ring is None:
            missing.append("No timings of each cycle: the probe does not run, so they are read only after an xrun.")
        unknown = sorted(set(self._names.present.values()) - self._pids.keys())
        if unknown:
            missing.append(f"The process of {', '.join(unknown)} is unknown: only the same user and root may see it.")
        if self._kernel_log.failure:
            missing.append(f"The kernel's log cannot be read: {self._kernel_log.failure}.")
        if self.events.failure:
            missing.append(f"The kernel does not report starts and ends of processes: {self.events.failure}.")
        return [*missing, *self._machine.missing]

    def _drain(self) -> None:
        if self._ring is not None and self._copies is not None:
            self._copies.take(self._ring.read())

    def _see_time(self, now_ns: int) -> None:
        """Find a time in which the machine slept or the agent did not run."""
        slept_ns = _slept_ns()
        if (slept := slept_ns - self._slept_ns) > _SLEPT_NS:
            self._add(now_ns, self._looked_ns, "resumed", text=f"slept for {slept / _SECOND_NS:.3f} s")
        elif now_ns - self._looked_ns > LOOK_NS + _LATE_NS:
            late = (now_ns - self._looked_ns - LOOK_NS) / _SECOND_NS
            self._add(now_ns, self._looked_ns, "frozen", "wr-agent", os.getpid(), f"did not run for {late:.3f} s")
        self._slept_ns, self._looked_ns = slept_ns, now_ns
        if self._copies is not None:
            self._copies.clock.read()

    def _see_processes(self, now_ns: int) -> None:
        """Find new processes and those that ended, and read the kernel's log."""
        vanished = self._processes.discover(now_ns)
        if self.events.failure or self.events.lost:
            for pid in vanished:
                self._end(pid, now_ns, self._listed_ns, "")
        self._listed_ns = now_ns
        for incident in self._kernel_log.read(now_ns):
            self.add_incident(incident)

    def _see_clients(self, now_ns: int) -> None:
        if self._table is None and self._devices and now_ns - self._tried_ns > _RETRY_NS:
            self._find_table(now_ns)
        if self._table is None:
            return
        since_ns, self._clients_ns = self._clients_ns, now_ns
        try:
            names = {number: name for number, name in self._table.names().items() if number != DRIVER}
        except (OSError, ValueError, IndexError):  # the server has ended
            return
        names |= self._name_without_ports(names, now_ns)
        is_first = not self._names.present
        started, ended = self._names.see(names, now_ns)
        if started or (set(names.values()) - self._pids.keys() and now_ns - self._searched_ns > _RETRY_NS):
            self._searched_ns = now_ns
            self._pids |= find_processes(set(names.values()) - self._pids.keys(), known=self._pids)
        for name in () if is_first else started:
            self._add(now_ns, since_ns, "client_started", name, self._pids.get(name, 0))
        for name in ended:
            self._add(now_ns, since_ns, "client_ended", name, self._pids.pop(name, 0))

    def _name_without_ports(self, named: dict[int, str], now_ns: int) -> dict[int, str]:
        """Return the names of the clients without ports, as far as they are certain."""
        if self._table is None or self._copies is None:
            return {}
        numbers = self._copies.active(self._table.copy(self.rows()), now_ns) - named.keys() - {DRIVER}
        if numbers != self._unnamed or (numbers - self._portless.keys() and now_ns - self._named_ns > _RETRY_NS):
            self._unnamed, self._named_ns = numbers, now_ns
            self._portless = self._name(numbers, named, self._table) if numbers else {}
        return self._portless

    def _name(self, numbers: set[int], named: dict[int, str], table: ClientTimings) -> dict[int, str]:
        drivers, clients = table.clients_by_age()
        living = find_processes(clients)
        # The agent's own clients without ports are never signalled, so that a lone stranger is none of them.
        own = {name for name, pid in living.items() if pid in (os.getpid(), self._probe_pid)} - set(named.values())
        found = name_portless(numbers, named, [*drivers, *(it for it in clients if it in living)], self._portless)
        if numbers - found.keys():
            found = name_portless(numbers, named, [it for it in clients if it in living.keys() - own], found)
        return found

    def _audio_processes(self) -> list[AudioProcess]:
        found = [AudioProcess(self._server_pid, "server", "")] if self._server_pid else []
        if self._probe_pid:
            found.append(AudioProcess(self._probe_pid, "probe", "probe"))
        own = {os.getpid(), self._probe_pid, self._server_pid}
        found += [AudioProcess(pid, "client", name) for name, pid in sorted(self._pids.items()) if pid not in own]
        return found

    def _audio_pids(self) -> list[int]:
        return [process.pid for process in self._audio_processes()]

    def _see_events(self, events: Iterable[ProcessEvent], now_ns: int) -> None:
        for event in events:
            if event.kind == "started":
                self._processes.started(event.pid, now_ns)
            else:
                reason = f"signal {event.signal}" if event.signal else f"exit {event.code}"
                self._end(event.pid, event.at_ns, event.at_ns, reason)

    def _end(self, pid: int, at_ns: int, since_ns: int, text: str) -> None:
        name = self._processes.end(pid, at_ns)
        client = next((client for client, of in self._pids.items() if of == pid), "")
        incident = Incident(
            at_ns=at_ns, since_ns=since_ns, kind="process_ended", name=client or name, pid=pid, text=text
        )
        (self._incidents if client or pid == self._server_pid else self._ends).append(incident)

    def _add(self, at_ns: int, since_ns: int, kind: str, name: str = "", pid: int = 0, text: str = "") -> None:
        self.add_incident(Incident(at_ns=at_ns, since_ns=since_ns, kind=kind, name=name, pid=pid, text=text))


def _slept_ns() -> int:
    """Return the time for which the machine slept since its start."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) - time.monotonic_ns()


def _bounded(evidence: Evidence) -> Evidence:
    """Return the evidence with fewer cycles and processes until it is small enough."""
    while len(encode(evidence)) > _MOST_BYTES and (evidence.cycles or evidence.processes):
        evidence = msgspec.structs.replace(
            evidence,
            cycles=evidence.cycles[len(evidence.cycles) // 4 :],
            processes=evidence.processes[: len(evidence.processes) * 3 // 4],
        )
    return evidence
