"""The texts of the findings about the explanation of dropouts. `checks` decides when they apply."""

from __future__ import annotations

import shlex

from collectors import remedies
from collectors.audio.causes.kernel.client import INSTALL
from collectors.audio.findings import SERVER_CAUSES
from collectors.findings import Finding, Severity

_NEEDS = (
    "JACK's table of client timings",
    "the kernel recorder, a service of its own with root's privileges",
)
_COSTS = (
    "The late client is guessed from processor times, and one that waits looks like one that computes.",
    "Interrupts, programs that run for a few milliseconds and the exact order of events are not seen.",
)


def level(found: int, missing: str) -> Finding:
    """Return the finding that dropouts are explained below the highest level of evidence.

    Args:
        found: The level in use: 0 or 1.
        missing: The reason why the next one is not in use, as a sentence.
    """
    return Finding(
        code="audio-evidence-level",
        title=f"Dropouts are explained at level {found} of 2",
        severity=Severity.INFO,
        detail=f"Level {found + 1} needs {_NEEDS[found]}. {missing}",
        affects=_COSTS[found],
        remedy=_kernel() if found else _graph(),
        depends_on=SERVER_CAUSES,
    )


def _graph() -> tuple[str, ...]:
    return remedies.linux(
        "ls -l /dev/shm/jack-*  # the agent's user needs read right on the server's memory",
        "run the agent as the user who plays, or as root",
    )


def _kernel() -> tuple[str, ...]:
    step = remedies.in_section("[audio]", "if kernel_recorder is empty, remove it")
    return remedies.linux(INSTALL, step)


def macos() -> Finding:
    """Return the finding that macOS has no evidence but its overload messages."""
    return Finding(
        code="audio-evidence-level",
        title="Dropouts are explained by macOS's own messages alone",
        severity=Severity.INFO,
        detail="Level 0 of 2: this agent reads no scheduling data on macOS.",
        affects="A dropout has a cause only if CoreAudio's overload message names one.",
    )


def off() -> Finding:
    """Return the finding that the explanation of dropouts is off."""
    return Finding(
        code="audio-not-explained",
        title="Dropouts are counted, but not explained",
        severity=Severity.INFO,
        detail="The configuration says explain = false.",
        affects="Each dropout is an event with an unknown cause.",
        remedy=(remedies.in_section("[audio]", "set explain = true"),),
    )


def unsaved(directory: str, problem: str) -> Finding:
    """Return the finding that the events of dropouts cannot be saved.

    Args:
        directory: The state directory.
        problem: The system's reason.
    """
    quoted = shlex.quote(directory)
    return Finding(
        code="audio-events-unsaved",
        title="The events of dropouts cannot be saved",
        severity=Severity.WARNING,
        detail=f"Expected to write to {directory}, found: {problem}.",
        affects="New dropouts are counted and shown, but are lost when the agent ends, and reach Loki only once saved.",
        remedy=(f"df -h {quoted}  # shows a full disk", f"ls -ld {quoted}  # shows its owner and mode"),
        depends_on=("agent-state-unwritable", "agent-state-no-space"),
    )
