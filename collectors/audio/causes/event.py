"""The event of one dropout: its cause, its culprit and its evidence, as one JSON object."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Cause(StrEnum):
    """The closed list of causes; the values of the label `cause`."""

    CLIENT_CPU = "client_cpu"
    CLIENT_WAIT = "client_wait"
    CLIENT_STOPPED = "client_stopped"
    CLIENT_DIED = "client_died"
    OVERLOAD = "overload"
    PREEMPTED = "preempted"
    CONTENTION = "contention"
    QUOTA = "quota"
    MEMORY = "memory"
    IO = "io"
    INTERRUPTS = "interrupts"
    STEAL = "steal"
    THROTTLED = "throttled"
    SUSPEND = "suspend"
    DEVICE = "device"
    SERVER_STOPPED = "server_stopped"
    SERVER_DIED = "server_died"
    SETTINGS = "settings"
    AGENT = "agent"
    UNKNOWN = "unknown"


class Culprit(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The process or part of the system that caused a dropout.

    Attributes:
        kind: `client`, `server`, `plugin`, `process`, `kernel`, `device`, `cgroup`, `host` or `agent`.
        name: Its name: of the client, the command, the interrupt, the control group.
        pid: Its process number; 0 without one.
        policy: `fifo`, `rr`, `other`, `batch`, `idle` or `deadline`; empty if unknown.
        priority: Its real-time priority, 0 to 99.
        cpu: The processor that it ran on; -1 if unknown.
    """

    kind: str
    name: str
    pid: int = 0
    policy: str = ""
    priority: int = 0
    cpu: int = -1


class Contribution(msgspec.Struct, frozen=True, kw_only=True):
    """Another cause that explains a part of the lateness.

    Attributes:
        cause: The cause.
        ms: The milliseconds that it explains.
    """

    cause: Cause
    ms: float


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One dropout and its explanation.

    Attributes:
        id: The number of the dropout: sorts by time, unique on this machine.
        at: The start, RFC 3339 in UTC with nanoseconds.
        duration_ms: The time from the first observation to the last one.
        device: The device, as in the label `device`.
        server: The audio server's name; empty without one.
        period_ms: The duration of a buffer; 0 if unknown.
        cause: The main cause.
        confidence: The probability that the cause is right, 0 to 1.
        level: The level of evidence: 0, 1 or 2.
        culprit: The culprit; None if the cause has none or it is unknown.
        victim: The name of the client or `server` that was late; empty if unknown.
        late_ms: The time by which the victim was late; 0 if unknown.
        explained_ms: The part of it that the cause explains.
        others: The other causes, the largest first.
        evidence: The facts that led to the cause, one sentence each.
        missing: The evidence that could not be had, one sentence each.
        text: One sentence for a musician.
    """

    id: str
    at: str
    duration_ms: float
    device: str
    server: str = ""
    period_ms: float = 0.0
    cause: Cause = Cause.UNKNOWN
    confidence: float = 0.0
    level: int = 0
    culprit: Culprit | None = None
    victim: str = ""
    late_ms: float = 0.0
    explained_ms: float = 0.0
    others: tuple[Contribution, ...] = ()
    evidence: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    text: str = ""
