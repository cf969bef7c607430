"""The delay of a participant as the server's own table of client timings shows it."""

from __future__ import annotations

from dataclasses import replace

from collectors.audio.causes.analysis.graph import Callback, usual_ns
from collectors.audio.causes.analysis.scene import AGENT, Delay, Scene, Split


def with_graph(scene: Scene, delay: Delay) -> Delay:
    """Return the delay with what the graph knows about its callback."""
    late = late_callbacks(scene, delay.name)
    if not late:
        return delay
    inside_ns = sum(it.inside_ns for it in late) - usual_ns(scene.callbacks[delay.name], scene.calm_ns) * len(late)
    if delay.source == "trace":
        return replace(delay, inside=inside_ns > delay.late_ns / 2)
    late_ns = max(sum(it.end_ns - it.due_ns for it in late) - scene.period_ns // 8 * len(late), 1)
    rest = max(late_ns - delay.split.total, 0)
    split = delay.split._replace(**{delay.resting: getattr(delay.split, delay.resting) + rest})
    spans = tuple((it.due_ns, it.end_ns) for it in late)
    return replace(
        delay,
        spans=spans,
        late_ns=late_ns,
        split=split.scaled(late_ns),
        callback_ns=min(max(it.inside_ns for it in late), delay.callback_ns),
        inside=inside_ns > late_ns / 2,
        source="graph",
    )


def without_turn(delay: Delay) -> Delay:
    """Return the delay without the time in which a client, outside of its callback, waited for its turn."""
    if delay.role == "server" or delay.inside or not delay.split.asleep:
        return delay
    late_ns = delay.late_ns - delay.split.asleep
    return replace(delay, late_ns=late_ns, split=delay.split._replace(asleep=0))


def by_graph(scene: Scene, name: str) -> Delay | None:
    """Return the delay of a client whose thread is unknown."""
    late = late_callbacks(scene, name)
    if not late:
        return None
    late_ns = sum(it.end_ns - it.due_ns for it in late)
    spans = tuple((it.due_ns, it.end_ns) for it in late)
    longest_ns = max(it.inside_ns for it in late)
    role = "agent" if name.startswith(AGENT) else "client"
    return Delay(
        name, role, 0, None, spans, late_ns, Split(), longest_ns, inside=longest_ns > late_ns / 2, source="graph"
    )


def late_callbacks(scene: Scene, name: str) -> list[Callback]:
    """Return the callbacks in the time of the search that took far longer than usual."""
    every = scene.callbacks.get(name, [])
    least_ns = max(usual_ns(every, scene.calm_ns) + scene.period_ns // 2, round(0.9 * scene.period_ns))
    near = (it for it in every if it.end_ns >= scene.start_ns and it.due_ns <= scene.end_ns)
    return [it for it in near if it.end_ns - it.due_ns > least_ns]
