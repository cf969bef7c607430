"""The words for causes and culprits that a user reads. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from collectors.audio.causes.event import Cause, Culprit, Event

CAUSES: Mapping[Cause, str] = {
    Cause.CLIENT_CPU: "a client computed for too long",
    Cause.CLIENT_WAIT: "a client slept or waited in its callback",
    Cause.CLIENT_STOPPED: "a client was stopped",
    Cause.CLIENT_DIED: "a client died",
    Cause.OVERLOAD: "the graph needed more time than a buffer lasts",
    Cause.PREEMPTED: "a program of higher priority held the processor",
    Cause.CONTENTION: "other programs competed with audio that has no real-time priority",
    Cause.QUOTA: "a control group used up its processor quota",
    Cause.MEMORY: "page faults or memory pressure",
    Cause.IO: "a wait for a disk",
    Cause.INTERRUPTS: "interrupts of the kernel",
    Cause.STEAL: "the hypervisor gave the processor to another machine",
    Cause.THROTTLED: "the processor was slowed down",
    Cause.SUSPEND: "the machine slept",
    Cause.DEVICE: "the device or its bus failed",
    Cause.SERVER_STOPPED: "the audio server was stopped",
    Cause.SERVER_DIED: "the audio server ended",
    Cause.SETTINGS: "the settings of the server changed",
    Cause.AGENT: "the agent itself",
    Cause.UNKNOWN: "not known",
}
"""Each cause in a few words."""


def culprit_words(culprit: Culprit) -> str:
    """Return the culprit's name and all that is known of it."""
    real_time = culprit.policy in {"fifo", "rr", "deadline"}
    known = [
        f"pid {culprit.pid}" if culprit.pid else "",
        f"{culprit.policy} {culprit.priority}".strip() if real_time else culprit.policy,
        f"CPU {culprit.cpu}" if culprit.cpu >= 0 else "",
    ]
    return ", ".join([f"{culprit.kind} {culprit.name}".strip(), *filter(None, known)])


_PHRASES: Mapping[Cause, str] = {
    Cause.CLIENT_CPU: "{name}, which computed for too long",
    Cause.CLIENT_WAIT: "{name}, which waited in its callback",
    Cause.CLIENT_STOPPED: "{name}, which was stopped",
    Cause.CLIENT_DIED: "{name}, which died",
    Cause.OVERLOAD: "the whole graph, which needed more time than a buffer lasts",
    Cause.PREEMPTED: "{name}, with a higher priority than {victim}",
    Cause.CONTENTION: "{name}, without real-time priority for {victim}",
    Cause.QUOTA: "the processor quota of {name}",
    Cause.MEMORY: "page faults or memory pressure",
    Cause.IO: "waits for a disk",
    Cause.INTERRUPTS: "interrupts of the kernel",
    Cause.STEAL: "the hypervisor, which gave the processor away",
    Cause.THROTTLED: "a processor that was slowed down",
    Cause.SUSPEND: "a sleep of the machine",
    Cause.DEVICE: "the device or its bus",
    Cause.SERVER_STOPPED: "the audio server, which was stopped",
    Cause.SERVER_DIED: "the audio server, which ended",
    Cause.SETTINGS: "a change of the server's settings",
    Cause.AGENT: "the agent itself",
    Cause.UNKNOWN: "no known cause",
}
_SERVER = "the audio server"


def phrase(event: Event) -> str:
    """Return the cause of an event with its culprit, as a part of a sentence."""
    kind = "another program" if event.cause in {Cause.PREEMPTED, Cause.CONTENTION} else "a client"
    name = event.culprit.name if event.culprit is not None and event.culprit.name else kind
    victim = _SERVER if event.victim in {"", "server"} else event.victim
    return _PHRASES[event.cause].format(name=name, victim=victim)


def main_cause(events: Sequence[Event]) -> str:
    """Return the main causes of some dropouts as a sentence: the most frequent one, and a known one.

    Returns:
        An empty text without dropouts.
    """
    said = []
    for group in by_culprit(events):
        said.append(f"{len(group)} of {len(events)} dropouts: {phrase(group[-1])}")
        if group[0].cause is not Cause.UNKNOWN:
            break
    if len(events) == 1:
        return f"The cause: {phrase(events[0])}."
    return f"{'; '.join(said)}." if said else ""


def by_culprit(events: Sequence[Event]) -> list[list[Event]]:
    """Return the events in groups of the same cause and culprit, the largest group first."""
    groups: dict[tuple[Cause, str], list[Event]] = {}
    for event in events:
        name = event.culprit.name if event.culprit is not None and event.cause is not Cause.UNKNOWN else ""
        groups.setdefault((event.cause, name), []).append(event)
    return sorted(groups.values(), key=lambda group: -len(group))
