"""What the agent says to a person: findings, and the checks that make them.

`doctor`, the status page and `wr_agent_finding` all show these. Owns the model only; running checks within a
deadline, and hiding consequences behind their causes, belongs to `agent.core.diagnosis`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding matters. `doctor` exits 0, 1 or 2 by the worst it sees."""

    INFO = "info"
    """Worth knowing, nothing to mend: does not change the exit code."""
    WARNING = "warning"
    """Something is worse than it should be."""
    FAILURE = "failure"
    """Something that this machine or this agent should do does not work."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be, and what to do about it.

    Attributes:
        code: Stable identifier in kebab case, such as `audio-server-frozen`; a label value and a search term.
        title: What is wrong, in one short line without a full stop.
        severity: How much it matters.
        detail: What was expected and what was found, with the numbers.
        affects: What stops working because of it.
        remedy: Commands or steps to mend it, each to be copied as it stands.
        depends_on: Codes of findings that would cause this one; while one of them stands, this one stays quiet.
    """

    code: str
    title: str
    severity: Severity
    detail: str
    affects: str
    remedy: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """One question that can be asked of this machine by name.

    Attributes:
        name: What `doctor --only` takes: the collector's name, a dot and a word, such as `audio.server`.
        title: What is true when the check finds nothing, such as `The audio server answers`.
        run: Looks, changes nothing, returns what it found (nothing: all is well). Called in a thread, and given up
            at a deadline.
        slow: May take more than a moment: announced, and run last.
    """

    name: str
    title: str
    run: Callable[[], Sequence[Finding]]
    slow: bool = False
