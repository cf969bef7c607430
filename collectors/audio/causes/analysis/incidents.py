"""The verdicts that follow from an incident alone, such as the end of the server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from collectors.audio.causes.analysis.owners import Share
from collectors.audio.causes.analysis.scene import AGENT, SERVER, Delay, Scene
from collectors.audio.causes.analysis.senders import sender
from collectors.audio.causes.event import Cause, Culprit
from collectors.audio.causes.evidence import Incident

_NEAR_NS = 300_000_000
_SETTINGS_NS = 1_500_000_000
_ENDED = ("client_ended", "process_ended")


class Verdict(NamedTuple):
    """The result of an analysis.

    Attributes:
        cause: The main cause.
        culprit: The culprit; None without one.
        victim: The late participant's name; empty if unknown.
        late_ns: Its lateness.
        explained_ns: The part that the cause explains.
        confidence: The probability that the cause is right.
        others: The other causes.
        detail: A word for the sentence, such as the sender of a signal.
    """

    cause: Cause
    culprit: Culprit | None
    victim: str
    late_ns: int
    explained_ns: int
    confidence: float
    others: tuple[Share, ...] = ()
    detail: str = ""


def by_incident(scene: Scene, late: Sequence[Delay]) -> Verdict | None:
    """Return the verdict of an incident that explains a dropout by itself; None without one."""
    return _server_died(scene) or _suspended(scene) or _changed(scene) or _client_died(scene, late) or _device(scene)


def _near(scene: Scene, *kinds: str, within_ns: int = _NEAR_NS) -> Iterator[Incident]:
    """Yield the incidents of some kinds that touch the dropout."""
    window = scene.evidence.window
    for incident in scene.evidence.incidents:
        if (
            incident.kind in kinds
            and incident.at_ns >= window.start_ns - within_ns
            and incident.since_ns <= window.end_ns + _NEAR_NS
        ):
            yield incident


def _silence_ns(scene: Scene) -> int:
    window = scene.evidence.window
    return window.silent_ns or window.end_ns - window.start_ns


def _server_died(scene: Scene) -> Verdict | None:
    window = scene.evidence.window
    ended = next(_near(scene, "server_ended"), None)
    if ended is None and "jack shutdown" not in window.observations:
        return None
    track = scene.tracks.get(SERVER)
    pid = (ended.pid if ended else 0) or window.server_pid or (track.pid if track else 0)
    culprit = Culprit(kind="server", name=window.server or "server", pid=pid)
    lost = _silence_ns(scene)
    return Verdict(Cause.SERVER_DIED, culprit, "server", lost, lost, 0.97, detail=sender(scene, pid))


def _suspended(scene: Scene) -> Verdict | None:
    resumed = next(_near(scene, "resumed"), None)
    if resumed is None:
        return None
    lost = max(_silence_ns(scene), resumed.at_ns - resumed.since_ns)
    return Verdict(Cause.SUSPEND, None, "server", lost, lost, 0.95, detail=resumed.text)


def _changed(scene: Scene) -> Verdict | None:
    changed = next(_near(scene, "settings", within_ns=_SETTINGS_NS), None)
    if changed is None:
        return None
    lost = _silence_ns(scene)
    return Verdict(Cause.SETTINGS, None, "server", lost, lost, 0.93, detail=changed.text)


def _client_died(scene: Scene, late: Sequence[Delay]) -> Verdict | None:
    """Return the verdict on a client whose process ended next to the dropout.

    A client that closes before its process ends leaves the graph in order, and one that was late was late before.
    """
    for ended in _near(scene, *_ENDED):
        name = ended.name if ended.kind == "client_ended" else scene.audio_pids.get(ended.pid, "")
        if not name or name == SERVER or name.startswith(AGENT) or scene.is_own(ended.pid):
            continue
        track = scene.tracks.get(name)
        pid = ended.pid or (track.pid if track else 0)
        culprit = Culprit(kind="client", name=name, pid=pid)
        own = next((delay for delay in late if delay.name == name), None)
        late_ns = own.late_ns if own else _silence_ns(scene)
        killer = sender(scene, pid)
        detail = f"ended by {killer}" if killer else ended.text
        return Verdict(Cause.CLIENT_DIED, culprit, name, late_ns, late_ns, 0.9, detail=detail)
    return None


def _device(scene: Scene) -> Verdict | None:
    """Return the verdict on a device that vanished, or of which the kernel's log complains."""
    window = scene.evidence.window
    gone = next(_near(scene, "device_gone", "kernel_log"), None)
    if gone is None:
        return None
    name = gone.name or window.device
    lost = _silence_ns(scene)
    confidence = 0.85 if gone.kind == "device_gone" else 0.75
    return Verdict(Cause.DEVICE, Culprit(kind="device", name=name), "server", lost, lost, confidence, detail=gone.text)


def by_own_client(scene: Scene) -> Verdict | None:
    """Return the verdict on the agent's own client, if it came or went and no participant was late."""
    moved = next((it for it in _near(scene, "probe_started", "probe_ended")), None)
    if moved is None:
        return None
    lost = _silence_ns(scene)
    return Verdict(
        Cause.AGENT, Culprit(kind="agent", name=AGENT, pid=moved.pid), "", lost, lost, 0.6, detail=moved.kind
    )
