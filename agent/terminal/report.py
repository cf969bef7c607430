"""Outcomes and findings as text for a terminal, wrapped and grouped by subject. A command is never wrapped."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence

from agent.core.diagnosis import Outcome
from agent.terminal.style import Terminal
from collectors.findings import Finding, Severity

_INDENT = " " * 6
_COUNTED = {Severity.FAILURE: "failure", Severity.WARNING: "warning", Severity.INFO: "note"}


def outcomes_lines(outcomes: Sequence[Outcome], terminal: Terminal, *, verbose: bool) -> list[str]:
    """Return all outcomes grouped by subject, the first word of a check's name.

    Args:
        outcomes: The outcomes.
        terminal: The terminal to write for.
        verbose: Include checks that passed, and those that do not apply with the reason.
    """
    subjects = dict.fromkeys(it.name.partition(".")[0] for it in outcomes)
    lines = []
    for subject in subjects:
        own = [it for it in outcomes if it.name.partition(".")[0] == subject]
        shown = [line for it in own for line in _outcome(it, terminal, verbose=verbose)]
        lines += ["", terminal.bold(subject), *shown] if shown else []
    return lines


def count_line(outcomes: Sequence[Outcome]) -> str:
    """Return the number of checks and of findings."""
    found = Counter(finding.severity for it in outcomes for finding in it.findings)
    counted = [f"{found[severity]} {word}{'s' * (found[severity] != 1)}" for severity, word in _COUNTED.items()]
    skipped = sum(bool(it.not_applicable) for it in outcomes)
    passed = sum(not it.findings for it in outcomes) - skipped
    checks = f"{len(outcomes)} check{'s' * (len(outcomes) != 1)}"
    return f"{checks}: {', '.join(counted)}; {passed} passed, {skipped} not applicable."


def findings_lines(findings: Iterable[Finding], terminal: Terminal) -> list[str]:
    """Return the lines of findings: title, detail, impact and fix."""
    return [line for finding in findings for line in _finding(finding, terminal)]


def wrapped(text: str, width: int, indent: str = "") -> list[str]:
    """Wrap a text at `width` columns; longer words stay whole."""
    return [
        line
        for paragraph in text.splitlines()
        for line in textwrap.wrap(
            paragraph,
            width,
            initial_indent=indent,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
    ]


def _outcome(outcome: Outcome, terminal: Terminal, *, verbose: bool) -> list[str]:
    if outcome.findings:
        return findings_lines(outcome.findings, terminal)
    if not verbose:
        return []
    if outcome.not_applicable:
        first = f"  {terminal.mark('skipped')} {outcome.title}  {terminal.faint(outcome.name)}"
        return [first, *wrapped(f"not applicable: {outcome.not_applicable}", terminal.width, _INDENT)]
    return [f"  {terminal.mark('ok')} {outcome.title}  {terminal.faint(outcome.name)}"]


def _finding(finding: Finding, terminal: Terminal) -> list[str]:
    first, *more = wrapped(finding.title, terminal.width, _INDENT)
    lines = [
        f"  {terminal.mark(finding.severity.value)} {terminal.bold(first.strip())}",
        *(terminal.bold(line) for line in more),
        *wrapped(finding.detail, terminal.width, _INDENT),
        *wrapped(f"impact: {finding.affects}", terminal.width, _INDENT),
    ]
    if finding.remedy:
        lines += [f"{_INDENT}fix:", *(f"{_INDENT}  {step}" for step in finding.remedy)]
    return [*lines, f"{_INDENT}{terminal.faint(finding.code)}"]
