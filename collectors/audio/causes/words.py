"""The words for causes and culprits that a user reads. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from collectors.audio.causes.event import Cause, Culprit

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
