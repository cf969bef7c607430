"""The analysis of one dropout: from its evidence to its event. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from collectors.audio.causes.analysis.delays import delays, of_role
from collectors.audio.causes.analysis.incidents import Verdict, by_incident, by_own_client
from collectors.audio.causes.analysis.machine import Machine, machine
from collectors.audio.causes.analysis.owners import Share, is_too_slow, quota, shares
from collectors.audio.causes.analysis.scene import Delay, Scene
from collectors.audio.causes.analysis.senders import STOPS, sender
from collectors.audio.causes.analysis.sentences import facts, sentence
from collectors.audio.causes.event import Cause, Contribution, Culprit, Event
from collectors.audio.causes.evidence import Evidence

_STOPPED = frozenset({Cause.SERVER_STOPPED, Cause.CLIENT_STOPPED})
_LEAST_EXPLAINED = 0.35
"""The part of the lateness below which a cause is not named."""
_FAR_LATER = 3
"""How many times as late as the server a client that computed is the start, whatever held up the server."""


def analyse(evidence: Evidence) -> Event:
    """Return the event of a dropout."""
    scene = Scene.of(evidence)
    late = delays(scene)
    state = machine(evidence.system, scene.start_ns, scene.end_ns)
    verdict = by_incident(scene, late) or _by_delay(scene, late, state)
    window = evidence.window
    return Event(
        id=window.id,
        at=window.at,
        duration_ms=_ms(window.end_ns - window.start_ns),
        device=window.device,
        server=window.server,
        period_ms=round(window.period_ns / 1e6, 3),
        cause=verdict.cause,
        confidence=round(verdict.confidence, 2),
        level=evidence.level,
        culprit=verdict.culprit,
        victim=verdict.victim,
        late_ms=_ms(verdict.late_ns),
        explained_ms=_ms(verdict.explained_ns),
        others=tuple(Contribution(cause=share.cause, ms=_ms(share.ns)) for share in verdict.others),
        evidence=tuple(facts(scene, late, state)),
        missing=evidence.missing,
        text=sentence(scene, verdict),
    )


def _ms(nanoseconds: int) -> float:
    return round(nanoseconds / 1e6, 2)


def _by_delay(scene: Scene, late: Sequence[Delay], state: Machine) -> Verdict:
    """Return the verdict on the participant that was late first."""
    delay = primary(scene, late)
    if delay is None:
        return by_own_client(scene) or Verdict(Cause.UNKNOWN, None, "", 0, 0, 0.0)
    found = shares(scene, delay, state)
    known = [share for share in found if share.cause is not Cause.UNKNOWN]
    if not known:
        own = by_own_client(scene) if delay.role == "agent" else None
        return own or Verdict(Cause.UNKNOWN, None, delay.name, delay.late_ns, 0, 0.0)
    causes = _by_cause(known)
    top, culprit = causes[0]
    others = tuple(share for share, _ in causes[1:])
    part = min(top.ns / max(delay.late_ns, 1), 1.0)
    if part < _LEAST_EXPLAINED:
        return Verdict(Cause.UNKNOWN, None, delay.name, delay.late_ns, 0, 0.0, (top, *others))
    rival = others[0].ns / top.ns if others else 0.0
    confidence = top.certain * (0.5 + 0.5 * part) * (1 - 0.4 * rival)
    explained_ns = min(top.ns, delay.late_ns)
    detail = sender(scene, delay.pid, STOPS) if top.cause in _STOPPED else ""
    return Verdict(top.cause, culprit, delay.name, delay.late_ns, explained_ns, confidence, others, detail)


def _by_cause(known: Sequence[Share]) -> list[tuple[Share, Culprit | None]]:
    """Return one share for each cause with its largest culprit, the largest first."""
    sums: dict[Cause, Share] = {}
    for share in known:  # in order of size: the first one of a cause has its largest culprit
        before = sums.get(share.cause)
        sums[share.cause] = share if before is None else before._replace(ns=before.ns + share.ns)
    ordered = sorted(sums.values(), key=lambda share: -share.ns)
    return [(share, share.culprit) for share in ordered]


def primary(scene: Scene, late: Sequence[Delay]) -> Delay | None:
    """Return the participant whose delay was the start of the others."""
    least = scene.period_ns / 2
    server = next(iter(of_role(late, "server")), None)
    clients = [delay for delay in of_role(late, "client") if delay.late_ns > least]
    own = [delay for delay in of_role(late, "agent") if delay.late_ns > least]
    stopped = [it for it in late if it.is_stopped and it.late_ns > scene.period_ns]
    if stopped:
        return stopped[0]
    limited = [it for it in clients if it.late_ns > 0.5 * late[0].late_ns and quota(scene, it)]
    if limited and not (server is not None and quota(scene, server)):
        return limited[0]
    busy = next((it for it in clients if it.inside and it.split.running > 0.6 * it.late_ns), None)
    if server is not None and server.late_ns > least and not (busy and busy.late_ns > _FAR_LATER * server.late_ns):
        waits = server.split.asleep > 0.6 * server.late_ns
        busier = [it for it in (*clients, *own) if _is_active(it) and it.late_ns > 0.25 * server.late_ns]
        return busier[0] if waits and busier else server
    active = [it for it in clients if _is_active(it)]
    candidates = active or clients
    if own and (not candidates or own[0].late_ns > 2 * candidates[0].late_ns):
        return own[0]
    return _heaviest(scene, candidates) or (candidates[0] if candidates else None)


def _is_active(delay: Delay) -> bool:
    """Return whether a participant was late itself, and did not just wait for its turn."""
    return delay.inside or delay.split.asleep < 0.6 * delay.late_ns


def _heaviest(scene: Scene, late: Sequence[Delay]) -> Delay | None:
    """Return a client that computed for too long, if others may just have waited for its processor."""
    heavy = [
        delay
        for delay in late
        if is_too_slow(scene, delay)
        and delay.split.running > 0.6 * delay.late_ns
        and delay.late_ns > 0.3 * late[0].late_ns
    ]
    return heavy[0] if heavy else None
