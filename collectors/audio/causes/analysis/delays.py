"""The participants of the graph that were late, by the best evidence of each."""

from __future__ import annotations

from collections.abc import Iterable

from collectors.audio.causes.analysis.graph_delays import by_graph, late_callbacks, with_graph, without_turn
from collectors.audio.causes.analysis.look_delays import by_looks
from collectors.audio.causes.analysis.scene import AGENT, Delay, Scene
from collectors.audio.causes.analysis.trace_delays import by_trace, in_callbacks, is_shown
from collectors.audio.causes.evidence import ThreadTrack


def delays(scene: Scene) -> tuple[Delay, ...]:
    """Return the participants that were late, the latest first.

    JACK may report a dropout long after its start. So the search goes back if nothing near the report was late.
    """
    found = _delays(scene)
    if not any(delay.late_ns > scene.period_ns / 2 and (delay.role != "agent" or delay.is_stopped) for delay in found):
        scene.go_back()
        found = _delays(scene)
    scene.late = tuple(sorted(found, key=lambda delay: -delay.late_ns))
    return scene.late


def _delays(scene: Scene) -> list[Delay]:
    found = [delay for name, track in scene.tracks.items() if (delay := _delay(scene, name, track))]
    seen = {delay.name for delay in found}
    found += [delay for name in scene.callbacks if name not in seen and (delay := by_graph(scene, name))]
    if scene.callbacks:
        found = [without_turn(delay) for delay in found]
    return [delay for delay in found if delay.late_ns > scene.period_ns / 4]


def _delay(scene: Scene, name: str, track: ThreadTrack) -> Delay | None:
    """Return the delay of one participant by its best evidence.

    The agent's own client copies the table of client timings, so that no copy shows its own gaps.
    """
    late = late_callbacks(scene, name) if name != AGENT else []
    delay = in_callbacks(scene, name, track, late) if late else by_trace(scene, name, track)
    if delay is None and not is_shown(scene, track):
        delay = by_looks(scene, name, track)
        return with_graph(scene, delay) if delay is not None and name != AGENT else delay
    return delay


def of_role(found: Iterable[Delay], role: str) -> list[Delay]:
    """Return the delays of one role."""
    return [delay for delay in found if delay.role == role]
