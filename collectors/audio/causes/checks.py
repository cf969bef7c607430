"""The checks of the explanation of dropouts: they decide which findings apply. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from collectors.audio.causes import findings
from collectors.findings import Check, Finding


@dataclass(frozen=True, slots=True)
class ExplainingState:
    """The input of the checks.

    Attributes:
        enabled: Whether dropouts are explained.
        macos: Whether this is macOS.
        measured: Whether a device was seen since the agent started.
        graph_problem: The sentence that the timings of JACK's clients are missing; empty if they are there.
        kernel_problem: The sentence that the kernel's trace is missing; empty if it is there.
        directory: The state directory; empty without one.
        store_problem: The reason why events cannot be saved; empty if they can.
    """

    enabled: bool
    macos: bool
    measured: bool
    graph_problem: str
    kernel_problem: str
    directory: str
    store_problem: str


def explaining_checks(state: Callable[[], ExplainingState]) -> Sequence[Check]:
    """Return the checks; each reads the present state."""
    return (
        Check("audio.explaining", "Nothing limits the explanation of dropouts", lambda: _explaining(state())),
        Check("audio.events", "The events of dropouts are saved", lambda: _events(state())),
    )


def _explaining(state: ExplainingState) -> list[Finding]:
    if not state.enabled:
        return [findings.off()]
    if not state.measured:
        return []
    if state.macos:
        return [findings.macos()]
    if state.graph_problem:
        return [findings.level(0, state.graph_problem)]
    return [findings.level(1, state.kernel_problem)] if state.kernel_problem else []


def _events(state: ExplainingState) -> list[Finding]:
    return [findings.unsaved(state.directory, state.store_problem)] if state.store_problem else []
