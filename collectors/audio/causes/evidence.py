"""The evidence of one dropout, which the recorder freezes and the analysis reads. JSON in a file or a pipe.

All times are monotonic nanoseconds (CLOCK_MONOTONIC). A track holds looks in order of time. Counters are those of the
kernel and never differences, so that the analysis chooses the span.
"""

from __future__ import annotations

import msgspec


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """The dropout itself.

    Attributes:
        id: The event's `id`.
        at: The event's `at`.
        device: The device.
        server: The audio server's name; empty without one.
        start_ns: The earliest time of the first observation.
        end_ns: The latest time of the last one.
        silent_ns: Time within it without any delivered buffer.
        period_ns: The duration of a buffer; 0 if unknown.
        observations: Observer and kind of each observation, such as `jack xrun` or `gap lost`.
        load: The server's DSP load before the dropout as a ratio; -1 if unknown.
        server_pid: The server's process; 0 if unknown.
        own_pids: The processes of the agent: itself, the probe and other children.
        cpus: Number of processors online.
    """

    id: str
    at: str
    device: str
    server: str
    start_ns: int
    end_ns: int
    silent_ns: int
    period_ns: int
    observations: tuple[str, ...]
    load: float
    server_pid: int
    own_pids: tuple[int, ...]
    cpus: int


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened at a known time.

    Attributes:
        at_ns: Its time; the latest possible one if it lies between two looks.
        since_ns: The earliest possible time; equal to `at_ns` if it is exact.
        kind: `client_started`, `client_ended`, `process_ended`, `server_started`, `server_ended`, `settings`, `resumed`
            (the machine slept until then), `frozen`, `kernel_log`, `server_log`, `device_gone`, `device_new`,
            `probe_started`, `probe_ended`, `freewheel`.
        name: The client, process or device.
        pid: The process; 0 without one.
        text: Detail: the log line, `64 -> 128 frames`, `signal 9`.
    """

    at_ns: int
    since_ns: int
    kind: str
    name: str = ""
    pid: int = 0
    text: str = ""


class ThreadLook(msgspec.Struct, frozen=True, array_like=True):
    """One look at a thread.

    Attributes:
        at_ns: Time of the look.
        run_ns: Time on a processor (schedstat, field 1).
        wait_ns: Time runnable, but not running (schedstat, field 2).
        slices: Number of times that it was switched in (schedstat, field 3).
        state: The state letter of `/proc/PID/stat`; empty if only schedstat was read.
        cpu: The processor it last ran on; -1 if unknown.
        major_faults: Major page faults; -1 if not read.
        block_ticks: Ticks of waiting for block I/O (`delayacct_blkio_ticks`); -1 if not read.
        wchan: The kernel's function in which it sleeps; empty if it runs, was not read or may not be read.
    """

    at_ns: int
    run_ns: int
    wait_ns: int
    slices: int
    state: str = ""
    cpu: int = -1
    major_faults: int = -1
    block_ticks: int = -1
    wchan: str = ""


class ThreadTrack(msgspec.Struct, frozen=True, kw_only=True):
    """One audio thread over the time of the recording.

    Attributes:
        tid: The thread.
        pid: Its process.
        name: The thread's name.
        role: `server`, `client` or `probe`.
        client: The name of the client; empty for the server.
        policy: As `Culprit.policy`.
        priority: Real-time priority.
        affinity: The processors it may run on; empty for all.
        looks: The looks.
    """

    tid: int
    pid: int
    name: str
    role: str
    client: str
    policy: str
    priority: int
    affinity: tuple[int, ...]
    looks: tuple[ThreadLook, ...]


class ProcessLook(msgspec.Struct, frozen=True, array_like=True):
    """One look at a process.

    Attributes:
        at_ns: Time of the look.
        run_ns: Processor time of all its threads.
        state: The state letter; empty if not read.
        cpu: The processor; -1 if unknown.
        major_faults: Major page faults; -1 if not read.
        block_ticks: Ticks of waiting for block I/O; -1 if not read.
        read_bytes: Bytes read from storage; -1 if not read.
        written_bytes: Bytes written to storage; -1 if not read.
        children_ns: Processor time of its children that have ended, in steps of 10 ms; -1 if not read.
    """

    at_ns: int
    run_ns: int
    state: str = ""
    cpu: int = -1
    major_faults: int = -1
    block_ticks: int = -1
    read_bytes: int = -1
    written_bytes: int = -1
    children_ns: int = -1


class ProcessTrack(msgspec.Struct, frozen=True, kw_only=True):
    """One process that ran near the dropout.

    Attributes:
        pid: The process.
        parent: Its parent.
        name: The command.
        user: The user's number.
        policy: As `Culprit.policy`, of its thread with the highest priority.
        priority: The highest real-time priority of its threads.
        nice: Its niceness.
        affinity: The processors it may run on; empty for all.
        cgroup: Its control group's path; empty if unknown.
        started_ns: Time of its start.
        ended_ns: Time of its end; 0 if it lives.
        looks: The looks; only the first and the last are needed far from the dropout.
    """

    pid: int
    parent: int
    name: str
    user: int
    policy: str
    priority: int
    nice: int
    affinity: tuple[int, ...]
    cgroup: str
    started_ns: int
    ended_ns: int
    looks: tuple[ProcessLook, ...]


class ClientCycle(msgspec.Struct, frozen=True, array_like=True):
    """One client in one cycle, from JACK's table of client timings or PipeWire's profiler.

    Attributes:
        client: The client's name.
        signalled_ns: Time at which the server signalled it; 0 if never.
        awake_ns: Time at which its callback began.
        finished_ns: Time at which its callback ended.
        state: `idle` (not triggered), `triggered` (signalled, not running yet), `running` or `finished`.
    """

    client: str
    signalled_ns: int
    awake_ns: int
    finished_ns: int
    state: str


class Cycle(msgspec.Struct, frozen=True, array_like=True):
    """The graph at one cycle.

    Attributes:
        at_ns: Time of the copy.
        clients: The clients; those that did nothing are left out.
    """

    at_ns: int
    clients: tuple[ClientCycle, ...]


class SystemLook(msgspec.Struct, frozen=True, kw_only=True):
    """One look at the machine.

    Attributes:
        at_ns: Time of the look.
        cpus: For each processor the ticks of `/proc/stat`: user, nice, system, idle, iowait, irq, softirq, steal.
        pressure: Total microseconds of PSI by `cpu some`, `memory some`, `memory full`, `io some`, `io full`.
        vmstat: The fields of `/proc/vmstat` that matter: `pgmajfault`, `pswpin`, `pswpout`, `allocstall`,
            `pgscan_direct`, `compact_stall`, `oom_kill`.
        softirqs: The counts of `/proc/softirqs` by name, summed over the processors.
        interrupts: The counts of `/proc/interrupts` by name, summed over the processors.
        megahertz: The frequency of each processor; empty if unknown.
        throttles: Thermal throttle events of each processor; empty if unknown.
    """

    at_ns: int
    cpus: tuple[tuple[int, ...], ...] = ()
    pressure: dict[str, int] = {}
    vmstat: dict[str, int] = {}
    softirqs: dict[str, int] = {}
    interrupts: dict[str, int] = {}
    megahertz: tuple[float, ...] = ()
    throttles: tuple[int, ...] = ()


class GroupLook(msgspec.Struct, frozen=True, array_like=True):
    """One look at a control group's processor quota.

    Attributes:
        at_ns: Time of the look.
        throttled: Periods in which it was throttled.
        throttled_ns: Time for which it was throttled.
    """

    at_ns: int
    throttled: int
    throttled_ns: int


class GroupTrack(msgspec.Struct, frozen=True, kw_only=True):
    """One control group with a quota that holds an audio process.

    Attributes:
        path: Its path.
        quota: Its quota in processors, such as 0.05.
        pids: The audio processes in it or below it.
        looks: The looks.
    """

    path: str
    quota: float
    pids: tuple[int, ...]
    looks: tuple[GroupLook, ...]


class PluginTime(msgspec.Struct, frozen=True, kw_only=True):
    """The render time of a plugin that speaks over its socket.

    Attributes:
        pid: The process of its host, which is the JACK client; 0 if unknown.
        plugin: The plugin's name.
        slowest_ms: The upper bound of its slowest render between two polls around the dropout.
        over: Renders over the deadline in that time.
    """

    pid: int
    plugin: str
    slowest_ms: float
    over: int


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """The kernel's trace of the window, from the recorder with privileges.

    Attributes:
        start_ns: The time from which the trace is complete.
        end_ns: The time up to which it is complete.
        names: Process, name and highest real-time priority (0 for none) by thread. The process is the thread itself if
            it could not be had.
        switches: Time, processor, previous thread, its state letter, next thread, next thread's real-time priority. The
            priority is the one at the end of that run, so that a thread cannot hide by raising its own. The first
            switch of a processor stands at `start_ns` with the previous thread -1: it says who ran already. The letter
            `?` marks a switch that the kernel did not record, at the time of the first event after it.
        wakes: Time, processor of the waker, woken thread, target processor, waking thread.
        interrupts: Start, end, processor, kind (`irq` or `softirq`), name.
        signals: Time, sending thread, signal number, target thread.
        ends: Time and thread of each end of a thread.
        frequencies: Time, processor, kHz.
        migrations: Time, thread, processor it left, processor it went to, which it was to run on next.
        starts: Time, new thread, the thread that started it.
        lost: Number of events that the kernel overwrote or dropped in the window.
    """

    start_ns: int
    end_ns: int
    names: dict[int, tuple[int, str, int]] = {}
    switches: tuple[tuple[int, int, int, str, int, int], ...] = ()
    wakes: tuple[tuple[int, int, int, int, int], ...] = ()
    interrupts: tuple[tuple[int, int, int, str, str], ...] = ()
    signals: tuple[tuple[int, int, int, int], ...] = ()
    ends: tuple[tuple[int, int], ...] = ()
    frequencies: tuple[tuple[int, int, int], ...] = ()
    migrations: tuple[tuple[int, int, int, int], ...] = ()
    starts: tuple[tuple[int, int, int], ...] = ()
    lost: int = 0


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """All evidence of one dropout.

    Attributes:
        window: The dropout.
        incidents: What happened near it, in order of time.
        threads: The audio threads.
        processes: The processes that ran near it.
        cycles: The graph's cycles of the last seconds; empty at level 0.
        system: The looks at the machine.
        groups: The control groups of audio processes.
        plugins: The render times of plugins.
        trace: The kernel's trace; None below level 2.
        missing: The evidence that could not be had, one sentence each.
        capture: The descriptor of the trace that `collectors.audio.causes.kernel.captured` turns into `trace`; -1
            without one. It has a meaning only on the way to the process of the analysis.
    """

    window: Window
    incidents: tuple[Incident, ...] = ()
    threads: tuple[ThreadTrack, ...] = ()
    processes: tuple[ProcessTrack, ...] = ()
    cycles: tuple[Cycle, ...] = ()
    system: tuple[SystemLook, ...] = ()
    groups: tuple[GroupTrack, ...] = ()
    plugins: tuple[PluginTime, ...] = ()
    trace: Trace | None = None
    missing: tuple[str, ...] = ()
    capture: int = -1

    @property
    def level(self) -> int:
        """The level of evidence: 2 with a kernel trace, 1 with the graph's cycles, otherwise 0."""
        return 2 if self.trace is not None else 1 if self.cycles else 0


def encode(evidence: Evidence) -> bytes:
    """Return the evidence as JSON."""
    return msgspec.json.encode(evidence)


def decode(content: bytes) -> Evidence:
    """Return the evidence in JSON.

    Raises:
        msgspec.MsgspecError: The content is no evidence.
    """
    return msgspec.json.decode(content, type=Evidence)
