"""The model of a finding, and of the check that makes it.

`doctor`, the status page and `wr_agent_finding` all show findings. `agent.core.diagnosis` runs the checks within a
deadline and hides consequences behind their causes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """The weight of a finding. `doctor` exits with 0, 1 or 2 by the worst one."""

    INFO = "info"
    """A fact without a fault: no fix is needed and the exit code stays 0."""
    WARNING = "warning"
    """Something works worse than it should."""
    FAILURE = "failure"
    """A function of this machine or of the agent does not work."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault, its impact and its fix.

    Attributes:
        code: Stable identifier in kebab case, such as `audio-server-frozen`; a label value and a search term.
        title: The fault, in one short line without a full stop.
        severity: The weight of the fault.
        detail: The expected and the found state, with the numbers.
        affects: The impact.
        remedy: Commands or steps of the fix, each to be copied as it stands.
        depends_on: Codes of findings that would cause this one; it stays hidden while one of them holds.
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
    """One named question about this machine.

    Attributes:
        name: The value of `doctor --only`: the collector's name, a dot and a word, such as `audio.server`.
        title: A sentence that holds when the check finds nothing, such as `The audio server answers`.
        run: Looks without changing anything, and returns its findings. Called in a thread, and abandoned at a deadline.
        slow: Takes more than a moment: announced, and run last.
        skip: The reason why the check does not apply here; empty if it applies.
    """

    name: str
    title: str
    run: Callable[[], Sequence[Finding]]
    slow: bool = False
    skip: str = ""
