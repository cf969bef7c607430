"""The sentences of an event: one for a musician, and one for each fact."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from collectors.audio.causes.analysis.incidents import Verdict
from collectors.audio.causes.analysis.machine import Machine
from collectors.audio.causes.analysis.scene import Delay, Scene
from collectors.audio.causes.event import Cause, Culprit

_SHORT = 200
_SEEN_BEFORE_MS = 400


def sentence(scene: Scene, verdict: Verdict) -> str:
    """Return the sentence for a musician."""
    return _SENTENCES[verdict.cause](scene, verdict)


def _ms(nanoseconds: float) -> str:
    milliseconds = nanoseconds / 1e6
    return f"{milliseconds:.1f} ms" if milliseconds < 10 else f"{milliseconds:.0f} ms"  # noqa: PLR2004


def _name(culprit: Culprit | None, default: str = "a program") -> str:
    return culprit.name[:_SHORT] if culprit is not None and culprit.name else default


def _with_pid(culprit: Culprit | None) -> str:
    """Return the name with what a user needs to find the process."""
    if culprit is None:
        return "a program"
    details = [f"pid {culprit.pid}"] if culprit.pid else []
    if culprit.priority:
        details.append(f"real-time priority {culprit.priority}")
    return _name(culprit) + (f" ({', '.join(details)})" if details else "")


def _client_cpu(scene: Scene, verdict: Verdict) -> str:
    needed = verdict.explained_ns
    plugin = slowest_plugin(scene, verdict.culprit, needed)
    inside = f", in its plugin `{plugin}`" if plugin else ", in its own callback"
    return f"{_name(verdict.culprit)} needed {_ms(needed)} for a buffer of {_ms(scene.period_ns)}{inside}."


def slowest_plugin(scene: Scene, culprit: Culprit | None, needed_ns: int) -> str:
    """Return the plugin of a client whose slowest render explains most of the time; empty without one."""
    if culprit is None:
        return ""
    found = [it for it in scene.evidence.plugins if it.pid == culprit.pid and it.slowest_ms * 1e6 > needed_ns / 2]
    return max(found, key=lambda it: it.slowest_ms).plugin[:_SHORT] if found else ""


def _client_wait(_scene: Scene, verdict: Verdict) -> str:
    return f"{_name(verdict.culprit)} waited {_ms(verdict.explained_ns)} in its callback instead of computing."


def _stopped(_scene: Scene, verdict: Verdict) -> str:
    by = f" by {verdict.detail}" if verdict.detail else ""
    who = "The audio server" if verdict.cause is Cause.SERVER_STOPPED else _with_pid(verdict.culprit)
    return f"{who} was stopped for {_ms(verdict.explained_ns)}{by}."


def _client_died(_scene: Scene, verdict: Verdict) -> str:
    why = f" ({verdict.detail})" if verdict.detail else ""
    return f"{_with_pid(verdict.culprit)} ended while it was part of the audio graph{why}."


def _overload(scene: Scene, verdict: Verdict) -> str:
    return (
        f"All clients together needed more than the {_ms(scene.period_ns)} of a buffer, for {_ms(verdict.late_ns)}; "
        "none was too slow alone."
    )


def _preempted(_scene: Scene, verdict: Verdict) -> str:
    culprit = verdict.culprit
    cpu = f"CPU {culprit.cpu}" if culprit is not None and culprit.cpu >= 0 else "the processor"
    return f"{_with_pid(culprit)} held {cpu} for {_ms(verdict.explained_ns)} while {_victim(verdict)} was to run."


def _victim(verdict: Verdict) -> str:
    return "the audio server" if verdict.victim in {"server", ""} else verdict.victim[:_SHORT]


def _contention(_scene: Scene, verdict: Verdict) -> str:
    return (
        f"{_with_pid(verdict.culprit)} and other programs used the processors for {_ms(verdict.explained_ns)} while "
        f"{_victim(verdict)}, without real-time priority, waited."
    )


def _quota(_scene: Scene, verdict: Verdict) -> str:
    return (
        f"The control group {_name(verdict.culprit)} had used up its processor quota, which held {_victim(verdict)} "
        f"back for {_ms(verdict.explained_ns)}."
    )


def _memory(_scene: Scene, verdict: Verdict) -> str:
    return f"{_victim(verdict)} waited {_ms(verdict.explained_ns)} for memory that was not in RAM."


def _io(_scene: Scene, verdict: Verdict) -> str:
    return f"{_victim(verdict)} waited {_ms(verdict.explained_ns)} for a disk."


def _interrupts(_scene: Scene, verdict: Verdict) -> str:
    return (
        f"The kernel handled interrupts ({_name(verdict.culprit, 'unknown')}) for {_ms(verdict.explained_ns)} while "
        f"{_victim(verdict)} was to run."
    )


def _steal(_scene: Scene, verdict: Verdict) -> str:
    return f"The host of this virtual machine kept its processor for {_ms(verdict.explained_ns)}."


def _throttled(_scene: Scene, verdict: Verdict) -> str:
    return f"The processor ran far slower than before, so {_victim(verdict)} needed {_ms(verdict.explained_ns)} more."


def _suspend(_scene: Scene, verdict: Verdict) -> str:
    return f"The machine slept and resumed{': ' + verdict.detail if verdict.detail else ''}."


def _device(_scene: Scene, verdict: Verdict) -> str:
    return f"The device {_name(verdict.culprit)} failed: {verdict.detail[:_SHORT] or 'it vanished'}."


def _server_died(_scene: Scene, verdict: Verdict) -> str:
    by = f", ended by {verdict.detail}" if verdict.detail else ""
    return f"The audio server {_with_pid(verdict.culprit)} stopped running{by}."


def _settings(_scene: Scene, verdict: Verdict) -> str:
    return f"The audio server's settings changed{': ' + verdict.detail if verdict.detail else ''}."


def _agent(_scene: Scene, verdict: Verdict) -> str:
    if verdict.detail:
        return "The agent's own client joined or left the audio graph at that time."
    return f"The agent itself was late: its own client needed or waited {_ms(verdict.explained_ns)}."


def _unknown(scene: Scene, verdict: Verdict) -> str:
    late = f" {_victim(verdict)} was late by {_ms(verdict.late_ns)}, but" if verdict.late_ns else ""
    begin = f"Not known:{late} nothing unusual was seen in the {_SEEN_BEFORE_MS} ms before"
    if scene.evidence.level < 2:  # noqa: PLR2004 - the level with the kernel's trace
        return f"{begin}; without kernel tracing a short program could have been missed."
    return f"{begin}."


_SENTENCES: dict[Cause, Callable[[Scene, Verdict], str]] = {
    Cause.CLIENT_CPU: _client_cpu,
    Cause.CLIENT_WAIT: _client_wait,
    Cause.CLIENT_STOPPED: _stopped,
    Cause.CLIENT_DIED: _client_died,
    Cause.OVERLOAD: _overload,
    Cause.PREEMPTED: _preempted,
    Cause.CONTENTION: _contention,
    Cause.QUOTA: _quota,
    Cause.MEMORY: _memory,
    Cause.IO: _io,
    Cause.INTERRUPTS: _interrupts,
    Cause.STEAL: _steal,
    Cause.THROTTLED: _throttled,
    Cause.SUSPEND: _suspend,
    Cause.DEVICE: _device,
    Cause.SERVER_STOPPED: _stopped,
    Cause.SERVER_DIED: _server_died,
    Cause.SETTINGS: _settings,
    Cause.AGENT: _agent,
    Cause.UNKNOWN: _unknown,
}


def facts(scene: Scene, late: Sequence[Delay], state: Machine) -> Iterator[str]:
    """Yield the facts that the verdict rests on, one sentence each."""
    for delay in late[:4]:
        yield _delay_fact(delay)
    if state.steal_ns:
        yield f"The hypervisor took {_ms(state.steal_ns)} of a processor."
    if state.irq_ns + state.softirq_ns:
        yield f"Interrupts took {_ms(state.irq_ns + state.softirq_ns)} of a processor."
    if state.swapped:
        yield f"{state.swapped} pages were read from disk for memory."
    if state.memory_us > 1000:  # noqa: PLR2004 - a millisecond
        yield f"Tasks waited {_ms(state.memory_us * 1e3)} for memory."
    if state.io_us > 1000:  # noqa: PLR2004
        yield f"Tasks waited {_ms(state.io_us * 1e3)} for storage."
    if state.is_slow:
        yield f"The processors ran at {state.slowdown:.0%} of their usual frequency, throttled {state.throttled} times."
    yield from _incident_facts(scene)


def _incident_facts(scene: Scene) -> Iterator[str]:
    """Yield the incidents near the dropout; ends of processes only if they concern the graph."""
    window = scene.evidence.window
    for incident in scene.evidence.incidents[-_MOST_INCIDENTS:]:
        is_foreign = incident.kind == "process_ended" and incident.pid not in scene.audio_pids
        if is_foreign or not (incident.name or incident.text):
            continue
        ms = (incident.at_ns - window.start_ns) / 1e6
        when = f"{-ms:.0f} ms before" if ms < 0 else f"{ms:.0f} ms after the start of"
        what = _INCIDENTS.get(incident.kind, incident.kind)
        details = ", ".join(part[:_SHORT] for part in (incident.name, incident.text) if part)
        yield f"{what} ({details}) {when} the dropout."


_MOST_INCIDENTS = 32
_INCIDENTS = {
    "client_started": "A client joined the graph",
    "client_ended": "A client left the graph",
    "process_ended": "An audio process ended",
    "server_started": "The audio server started",
    "server_ended": "The audio server ended",
    "settings": "The server's settings changed",
    "resumed": "The machine resumed from sleep",
    "frozen": "The server stopped running cycles",
    "kernel_log": "The kernel logged a line",
    "server_log": "The server logged a line",
    "device_gone": "A device vanished",
    "device_new": "A device appeared",
    "probe_started": "The agent's stream opened",
    "probe_ended": "The agent's stream ended",
    "freewheel": "The server freewheeled",
}


def _delay_fact(delay: Delay) -> str:
    parts = [f"{_ms(ns)} {kind}" for kind, ns in delay.split._asdict().items() if ns > 100_000]  # noqa: PLR2004
    where = " in its callback" if delay.inside else ""
    return f"{delay.name[:_SHORT]} was late by {_ms(delay.late_ns)}{where}: {', '.join(parts) or 'states unknown'}."
