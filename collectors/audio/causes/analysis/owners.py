"""The owner of each late millisecond: from the states of a late participant to causes and culprits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from collectors.audio.causes.analysis import accounts
from collectors.audio.causes.analysis.machine import Machine
from collectors.audio.causes.analysis.scene import SERVER, Delay, Scene
from collectors.audio.causes.analysis.schedule import IDLE, Schedule
from collectors.audio.causes.analysis.thread_states import RUNNABLE
from collectors.audio.causes.event import Cause, Culprit

REAL_TIME = frozenset({"fifo", "rr", "deadline"})
_TOO_SLOW_ALONE = 0.85
"""The part of a period from which a callback is too slow whatever the others need."""
_MOSTLY = 0.6
_RIVAL = 0.3
"""The part of a wait for which a program of higher priority must have run to be its cause."""
_SUDDEN = 0.5
"""The part of its processor time near the dropout that a program of unknown priority must have used beyond its rate."""
_LEAST_NS = 200_000
_MANY_FAULTS = 8
_LOAD_NS = 200_000_000
_RT_PERIOD_NS = 1_000_000_000
_RT_USED = 0.8


class Share(NamedTuple):
    """A part of a delay with its owner.

    Attributes:
        cause: The cause.
        culprit: The culprit; None without one.
        ns: Its nanoseconds.
        certain: How well it is known, 0 to 1.
    """

    cause: Cause
    culprit: Culprit | None
    ns: int
    certain: float


def shares(scene: Scene, delay: Delay, machine: Machine) -> list[Share]:
    """Return the owners of a delay, the largest first."""
    sums: dict[tuple[Cause, Culprit | None], Share] = {}
    for share in _shares(scene, delay, machine):
        key = share.cause, share.culprit
        before = sums.get(key, share._replace(ns=0))
        sums[key] = share._replace(ns=before.ns + share.ns, certain=max(before.certain, share.certain))
    return sorted(
        (share for share in sums.values() if share.ns > max(_LEAST_NS, delay.late_ns // 30)),
        key=lambda share: -share.ns,
    )


def _shares(scene: Scene, delay: Delay, machine: Machine) -> Iterator[Share]:
    yield from _running(scene, delay, machine)
    yield from _runnable(scene, delay, machine)
    me = participant(delay)
    split = delay.split
    if split.stopped:
        cause = {"server": Cause.SERVER_STOPPED, "agent": Cause.AGENT}.get(delay.role, Cause.CLIENT_STOPPED)
        yield Share(cause, me, split.stopped, 0.95)
    if split.disk:
        yield Share(_disk_cause(scene, delay, machine), me, split.disk, 0.9)
    if split.asleep:
        yield from _asleep(delay, machine)


def participant(delay: Delay) -> Culprit:
    """Return the late participant itself as a culprit."""
    track = delay.track
    if track is None:
        return Culprit(kind=delay.role, name=delay.name, pid=delay.pid)
    cpu = track.looks[-1].cpu if track.looks else -1
    return Culprit(
        kind=delay.role, name=delay.name, pid=delay.pid, policy=track.policy, priority=track.priority, cpu=cpu
    )


# Running


def _running(scene: Scene, delay: Delay, machine: Machine) -> Iterator[Share]:
    """Yield the owners of the time on a processor."""
    left = delay.split.running
    if left <= 0:
        return
    for share in _interrupted(scene, delay, machine, left):
        left -= share.ns
        yield share
    if machine.steal_ns > _MOSTLY * left > 0:
        taken = min(machine.steal_ns, left)
        left -= taken
        yield Share(Cause.STEAL, Culprit(kind="host", name="hypervisor"), taken, 0.8)
    elif hidden := _not_counted(scene, delay, left):
        left -= hidden
        yield _without_processor(scene, delay, machine, hidden)
    cause, culprit = _computing(scene, delay, machine)
    yield Share(cause, culprit, max(left, 0), _certainty(scene, delay, cause))


def _not_counted(scene: Scene, delay: Delay, running_ns: int) -> int:
    """Return the time on a processor, by the trace, that the kernel did not count as the thread's; 0 unless it is most.

    A virtual processor that waits for its host, such as for a request to a disk, holds its thread without running it.
    """
    if delay.source != "trace" or delay.track is None:
        return 0
    counted = accounts.account(delay.track, min(scene.start_ns, delay.start_ns), max(scene.end_ns, delay.end_ns))
    usual = accounts.usual(delay.track, scene.calm_ns)
    if counted is None or usual is None or not usual.span_ns:
        return 0
    hidden = running_ns - max(counted.run_ns - round(usual.run_ns * counted.span_ns / usual.span_ns), 0)
    return hidden if hidden > _MOSTLY * running_ns else 0


def _without_processor(scene: Scene, delay: Delay, machine: Machine, hidden_ns: int) -> Share:
    """Return the owner of the time in which a virtual processor waited for its host."""
    if delay.split.disk > _LEAST_NS:
        return Share(_disk_cause(scene, delay, machine), participant(delay), hidden_ns, 0.85)
    return Share(Cause.STEAL, Culprit(kind="host", name="hypervisor"), hidden_ns, 0.7)


def _certainty(scene: Scene, delay: Delay, cause: Cause) -> float:
    """Return how well it is known that a participant computed. Counters alone may also show who made up for a wait."""
    if delay.source == "looks" and cause is not Cause.CLIENT_CPU:
        return 0.75
    if cause is Cause.OVERLOAD and scene.callbacks and _graph_load(scene) < _MOSTLY:
        return 0.75
    return 0.95 if delay.source == "trace" else 0.9


def _interrupted(scene: Scene, delay: Delay, machine: Machine, running_ns: int) -> Iterator[Share]:
    """Yield the interrupts that held the thread up while it was on its processor."""
    if scene.schedule is not None and delay.track is not None and delay.source == "trace":
        yield from _interrupt_shares(
            (
                item
                for start, end in delay.spans
                for item in scene.schedule.interrupted(delay.track.tid, start, end).items()
            ),
            running_ns,
        )
        return
    ns = machine.irq_ns + machine.softirq_ns
    if ns > _MOSTLY * running_ns:
        yield Share(Cause.INTERRUPTS, _interrupt(machine), min(ns, running_ns), 0.75)


def _interrupt_shares(items: Iterable[tuple[tuple[str, str], int]], most_ns: int) -> Iterator[Share]:
    sums: dict[str, int] = defaultdict(int)
    for (_, name), ns in items:
        sums[name] += ns
    for name, ns in sums.items():
        if ns > _LEAST_NS:
            yield Share(Cause.INTERRUPTS, Culprit(kind="kernel", name=name), min(ns, most_ns), 0.95)


def _interrupt(machine: Machine) -> Culprit:
    return Culprit(kind="kernel", name=machine.busiest[0] if machine.busiest else "interrupts")


def _computing(scene: Scene, delay: Delay, machine: Machine) -> tuple[Cause, Culprit | None]:
    """Return the cause of a participant that computed for too long."""
    if machine.is_slow:
        return Cause.THROTTLED, Culprit(kind="host", name="processor")
    if delay.role == "agent":
        return Cause.AGENT, participant(delay)
    if _major_faults(scene, delay) >= _MANY_FAULTS:  # the kernel's work for missing pages runs in the thread itself
        return Cause.MEMORY, participant(delay)
    if delay.role == "client" and is_too_slow(scene, delay):
        return Cause.CLIENT_CPU, participant(delay)
    return Cause.OVERLOAD, None


def is_too_slow(scene: Scene, delay: Delay) -> bool:
    """Return whether a client's callback alone took too long.

    Counters alone do not tell one long callback from many. So without the graph no other client may have computed for
    nearly as long.
    """
    if delay.callback_ns < _TOO_SLOW_ALONE * scene.period_ns:
        return False
    if delay.source != "looks":
        return True
    return not any(
        other.name != delay.name and other.role == "client" and other.split.running > 0.4 * delay.split.running
        for other in scene.late
    )


# Runnable


def _runnable(scene: Scene, delay: Delay, machine: Machine) -> Iterator[Share]:
    """Yield the owners of the time in which it was ready and did not run."""
    left = delay.split.runnable
    if left <= 0:
        return
    if delay.source == "trace" and scene.schedule is not None:
        yield from _held(scene, delay, scene.schedule, machine, left)
        return
    for share in _delayed(scene, delay, machine):
        taken = min(share.ns, left)
        left -= taken
        if taken > 0:
            yield share._replace(ns=taken)
    if left > _LEAST_NS:
        yield Share(Cause.UNKNOWN, None, left, 0.0)


def _held(scene: Scene, delay: Delay, schedule: Schedule, machine: Machine, most_ns: int) -> Iterator[Share]:
    """Yield those that held the processor, from the trace."""
    tid = delay.track.tid if delay.track is not None else 0
    occupants: dict[int, int] = defaultdict(int)
    interrupts: dict[tuple[str, str], int] = defaultdict(int)
    for start, end in delay.spans:
        for span in schedule.states(tid, start, end):
            if span.kind != RUNNABLE:
                continue
            for key, ns in schedule.interrupts(span.cpu, span.start_ns, span.end_ns).items():
                interrupts[key] += ns
            for other, ns in schedule.occupants(span.cpu, span.start_ns, span.end_ns).items():
                occupants[other] += ns
    held_ns = sum(occupants.values())
    stormy = sum(ns for ns in interrupts.values() if ns > _LEAST_NS)
    part = 1 - min(stormy / held_ns, 1) if held_ns else 1
    found = list(_interrupt_shares(interrupts.items(), most_ns))
    for other, ns in occupants.items():
        cause, culprit = _occupant(scene, delay, schedule, machine, other)
        found.append(Share(cause, culprit, round(ns * part), 0.95 if cause is not Cause.UNKNOWN else 0.0))
    total = sum(share.ns for share in found)
    yield from (share._replace(ns=round(share.ns * min(most_ns / total, 1))) for share in found if total)


def _occupant(
    scene: Scene, delay: Delay, schedule: Schedule, machine: Machine, tid: int
) -> tuple[Cause, Culprit | None]:
    """Return the cause and culprit of a thread that held the processor."""
    if tid == IDLE:
        return _free_processor(scene, delay, machine)
    pid = schedule.process(tid)
    if pid in scene.audio_pids and not scene.is_own(pid):
        return Cause.OVERLOAD, None
    priority = schedule.priority(tid)
    culprit = process_culprit(scene, pid, schedule.name(tid), priority)
    if scene.is_own(pid):
        return Cause.AGENT, culprit
    return (Cause.PREEMPTED, culprit) if priority > 0 else _without_priority(scene, delay, schedule, culprit)


def _without_priority(scene: Scene, delay: Delay, schedule: Schedule, culprit: Culprit) -> tuple[Cause, Culprit | None]:
    """Return the cause if a thread without real-time priority held the processor."""
    if limit := quota(scene, delay):
        return Cause.QUOTA, limit
    is_realtime = delay.track is not None and delay.track.policy in REAL_TIME
    return (_throttled(scene, schedule, delay) if is_realtime else None) or (Cause.CONTENTION, culprit)


def _throttled(scene: Scene, schedule: Schedule, delay: Delay) -> tuple[Cause, Culprit | None] | None:
    """Return who used up the processor time that Linux leaves to real-time priority, by default 0.95 s of each second.

    Then threads without any priority run in their place.
    """
    uses: dict[int, int] = defaultdict(int)
    end_ns = delay.start_ns
    for cpu in schedule.cpus:
        for run in schedule.runs(cpu, end_ns - _RT_PERIOD_NS, end_ns):
            if run.priority > 0 and run.tid != IDLE:
                uses[schedule.process(run.tid)] += run.end_ns - run.start_ns
    if sum(uses.values()) < _RT_USED * _RT_PERIOD_NS:
        return None
    pid = max(uses, key=lambda process: uses[process])
    if pid in scene.audio_pids:
        return _user(scene, pid, uses[pid] / sum(uses.values()))
    return Cause.PREEMPTED, process_culprit(scene, pid, "", 1)


def _user(scene: Scene, pid: int, part: float) -> tuple[Cause, Culprit | None]:
    """Return the cause if the graph itself used up the time: one client alone, or all of them."""
    name = scene.audio_pids[pid]
    if part < _MOSTLY or name == SERVER or _short_callback_ns(scene, name) < _TOO_SLOW_ALONE * scene.period_ns:
        return Cause.OVERLOAD, None
    track = scene.tracks[name]
    role = scene.role(track)
    culprit = Culprit(kind=role, name=name, pid=pid, policy=track.policy, priority=track.priority)
    return (Cause.AGENT if role == "agent" else Cause.CLIENT_CPU), culprit


def _free_processor(scene: Scene, delay: Delay, machine: Machine) -> tuple[Cause, Culprit | None]:
    """Return the cause of a thread that did not run although a processor was free."""
    if limit := quota(scene, delay):
        return Cause.QUOTA, limit
    if machine.steal_ns:
        return Cause.STEAL, Culprit(kind="host", name="hypervisor")
    return Cause.UNKNOWN, None


def quota(scene: Scene, delay: Delay) -> Culprit | None:
    """Return the control group that held the participant back; None without one."""
    for group in scene.evidence.groups:
        found = accounts.bracket(group.looks, scene.start_ns, scene.end_ns)
        if (
            found
            and delay.pid in group.pids
            and found[1].throttled_ns + found[1].throttled > (found[0].throttled_ns + found[0].throttled)
        ):
            return Culprit(kind="cgroup", name=group.path, pid=delay.pid)
    return None


def process_culprit(scene: Scene, pid: int, name: str, priority: int) -> Culprit:
    """Return a process as a culprit."""
    track = next((it for it in scene.evidence.processes if it.pid == pid), None)
    if track is None:
        return Culprit(kind="process", name=name, pid=pid, policy="fifo" if priority else "", priority=priority)
    cpu = track.looks[-1].cpu if track.looks else -1
    policy = track.policy if track.policy in REAL_TIME or not priority else "fifo"
    return Culprit(
        kind="process", name=track.name, pid=pid, policy=policy, priority=max(priority, track.priority), cpu=cpu
    )


def _delayed(scene: Scene, delay: Delay, machine: Machine) -> Iterator[Share]:
    """Yield those that may have held the processor, from counters, the most certain first."""
    waited = delay.split.runnable
    if limit := quota(scene, delay):
        yield Share(Cause.QUOTA, limit, waited, 0.9)
    if machine.steal_ns > _MOSTLY * waited:
        yield Share(Cause.STEAL, Culprit(kind="host", name="hypervisor"), machine.steal_ns, 0.8)
    if machine.irq_ns + machine.softirq_ns > _MOSTLY * waited:
        yield Share(Cause.INTERRUPTS, _interrupt(machine), machine.irq_ns + machine.softirq_ns, 0.75)
    realtime = delay.track is not None and delay.track.policy in REAL_TIME
    priority = delay.track.priority if delay.track else 0
    for track, ns, *_ in _busy(scene):
        if track.policy in REAL_TIME and track.priority >= priority and ns > _RIVAL * waited:
            yield Share(Cause.PREEMPTED, process_culprit(scene, track.pid, track.name, track.priority), ns, 0.85)
    if user := _graph_user(scene, delay):
        yield Share(*user, waited, 0.7)
    elif not realtime:
        yield from _contenders(scene)
    else:
        yield from _hidden(scene, waited)


def _busy(scene: Scene) -> list[accounts.Usage]:
    """Return the processes outside the graph that ran near the dropout, the busiest first."""
    found = [
        accounts.usage(track, scene.start_ns, scene.end_ns)
        for track in scene.evidence.processes
        if track.looks and track.pid not in scene.audio_pids and not scene.is_own(track.pid)
    ]
    return sorted((it for it in found if it.ns > _LEAST_NS), key=lambda it: -it.ns)


def _hidden(scene: Scene, waited_ns: int) -> Iterator[Share]:
    """Yield what kept a thread with real-time priority waiting although nothing with a higher one was seen.

    It was a thread of higher priority all the same: of the one process that ran as long, or of one that ended.
    """
    sudden = [it for it in _busy(scene) if it.surge_ns > max(_MOSTLY * waited_ns, _SUDDEN * it.grown_ns)]
    if sudden:
        first = max(sudden, key=lambda it: it.surge_ns / it.grown_ns)
        rival = process_culprit(scene, first.track.pid, first.track.name, first.track.priority)
        yield Share(Cause.PREEMPTED, rival, min(first.surge_ns, waited_ns), 0.85 if len(sudden) == 1 else 0.6)
        return
    ended = [it for it in scene.evidence.incidents if it.kind == "process_ended" and it.at_ns >= scene.start_ns]
    culprit = Culprit(kind="process", name=ended[0].name, pid=ended[0].pid) if len(ended) == 1 else None
    yield Share(Cause.PREEMPTED, culprit, waited_ns, 0.6)


def _contenders(scene: Scene) -> Iterator[Share]:
    for track, ns, surge_ns, _ in _busy(scene):
        yield Share(Cause.CONTENTION, process_culprit(scene, track.pid, track.name, 0), max(ns, surge_ns), 0.8)


def _graph_user(scene: Scene, delay: Delay) -> tuple[Cause, Culprit | None] | None:
    """Return the cause if the other participants needed most of the time for which this one waited; None otherwise."""
    needs: dict[int, int] = {}
    for name, track in scene.tracks.items():
        found = accounts.account(track, scene.start_ns, scene.end_ns)
        usual = accounts.usual(track, scene.calm_ns)
        if name == delay.name or found is None or usual is None or not usual.span_ns:
            continue
        needs[track.pid] = max(found.run_ns - round(usual.run_ns * found.span_ns / usual.span_ns), 0)
    needed = sum(needs.values())
    if needed > _MOSTLY * delay.split.runnable:
        pid = max(needs, key=lambda process: needs[process])
        return _user(scene, pid, needs[pid] / needed)
    return (Cause.OVERLOAD, None) if _graph_load(scene) > _TOO_SLOW_ALONE else None


def _short_callback_ns(scene: Scene, name: str) -> int:
    """Return the first quartile of a client's callbacks before the dropout; the longer ones may have waited inside."""
    end_ns = scene.evidence.window.start_ns
    near = (it.inside_ns for it in scene.callbacks.get(name, []) if end_ns - _LOAD_NS < it.end_ns < end_ns)
    lengths = sorted(ns for ns in near if ns > _LEAST_NS)
    return lengths[len(lengths) // 4] if lengths else 0


def _graph_load(scene: Scene) -> float:
    """Return the part of the time before the dropout that all callbacks took, where the graph shows it."""
    end_ns = scene.evidence.window.start_ns
    start_ns = end_ns - _LOAD_NS
    within = sum(
        max(min(it.end_ns, end_ns) - max(it.awake_ns, start_ns), 0)
        for of_client in scene.callbacks.values()
        for it in of_client
        if it.awake_ns
    )
    return within / _LOAD_NS


# Asleep and waiting for a disk


def _major_faults(scene: Scene, delay: Delay) -> int:
    found = accounts.account(delay.track, scene.start_ns, scene.end_ns) if delay.track else None
    return found.major_faults if found is not None else 0


def _disk_cause(scene: Scene, delay: Delay, machine: Machine) -> Cause:
    if _major_faults(scene, delay) > 0:
        return Cause.MEMORY
    return Cause.MEMORY if machine.swapped > 0 and machine.memory_us > machine.io_us else Cause.IO


def _asleep(delay: Delay, machine: Machine) -> Iterator[Share]:
    slept = delay.split.asleep
    if delay.role == "agent":
        yield Share(Cause.AGENT, participant(delay), slept, 0.7)
    elif machine.steal_ns > _MOSTLY * slept:
        yield Share(Cause.STEAL, Culprit(kind="host", name="hypervisor"), slept, 0.7)
    elif delay.role == "client":
        yield Share(Cause.CLIENT_WAIT, participant(delay), slept, 0.9 if delay.inside else 0.6)
    else:
        yield Share(Cause.UNKNOWN, None, slept, 0.0)
