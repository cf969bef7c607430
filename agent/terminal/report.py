"""Outcomes and findings as lines for a person at a terminal: wrapped, grouped by subject, silent about what is well."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence

from agent.core.diagnosis import Outcome
from agent.terminal.style import Terminal
from collectors.findings import Finding, Severity

WIDTH = 80
"""Columns. What is to be typed is never broken, however long."""

_INDENT = " " * 6
_COUNTED = {Severity.FAILURE: "failure", Severity.WARNING: "warning", Severity.INFO: "note"}


def outcomes_lines(outcomes: Sequence[Outcome], terminal: Terminal, *, verbose: bool) -> list[str]:
    """All outcomes under their subjects, which are the first words of the checks' names.

    Args:
        outcomes: What was found.
        terminal: Where it is shown.
        verbose: Whether what is well is shown too.
    """
    subjects = dict.fromkeys(it.name.partition(".")[0] for it in outcomes)
    lines = []
    for subject in subjects:
        own = [it for it in outcomes if it.name.partition(".")[0] == subject]
        shown = [line for it in own for line in _outcome(it, terminal, verbose=verbose)]
        lines += ["", terminal.bold(subject), *shown] if shown else []
    return lines


def count_line(outcomes: Sequence[Outcome]) -> str:
    """How many checks there were, and what they found."""
    found = Counter(finding.severity for it in outcomes for finding in it.findings)
    counted = [f"{found[severity]} {word}{'s' * (found[severity] != 1)}" for severity, word in _COUNTED.items()]
    well = sum(not it.findings for it in outcomes)
    checks = f"{len(outcomes)} check{'s' * (len(outcomes) != 1)}"
    return f"{checks}: {', '.join(counted)}; {well} found nothing."


def findings_lines(findings: Iterable[Finding], terminal: Terminal) -> list[str]:
    """Each finding: what is wrong, with its numbers; what it affects; what to type."""
    return [line for finding in findings for line in _finding(finding, terminal)]


def wrapped(text: str, indent: str = "") -> list[str]:
    """The lines of a text, none wider than `WIDTH` unless a word is."""
    return [
        line
        for paragraph in text.splitlines()
        for line in textwrap.wrap(
            paragraph,
            WIDTH,
            initial_indent=indent,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
    ]


def _outcome(outcome: Outcome, terminal: Terminal, *, verbose: bool) -> list[str]:
    if outcome.findings:
        return findings_lines(outcome.findings, terminal)
    return [f"  {terminal.mark('ok')} {outcome.title}  {terminal.faint(outcome.name)}"] if verbose else []


def _finding(finding: Finding, terminal: Terminal) -> list[str]:
    first, *more = wrapped(finding.title, _INDENT)
    lines = [
        f"  {terminal.mark(finding.severity.value)} {terminal.bold(first.strip())}",
        *(terminal.bold(line) for line in more),
        *wrapped(finding.detail, _INDENT),
        *wrapped(f"affects: {finding.affects}", _INDENT),
    ]
    if finding.remedy:
        lines += [f"{_INDENT}to mend:", *(f"{_INDENT}  {step}" for step in finding.remedy)]
    return [*lines, f"{_INDENT}{terminal.faint(finding.code)}"]
