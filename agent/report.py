"""Findings as lines for a person at a terminal."""

from __future__ import annotations

from collections.abc import Iterable

from agent.terminal import Terminal
from collectors.findings import Finding


def findings_lines(findings: Iterable[Finding], terminal: Terminal) -> list[str]:
    """Each finding: what is wrong, with its numbers; what it affects; what to type."""
    return [line for finding in findings for line in _finding(finding, terminal)]


def _finding(finding: Finding, terminal: Terminal) -> list[str]:
    lines = [
        f"  {terminal.mark(finding.severity.value)} {terminal.bold(finding.title)}  {terminal.faint(finding.code)}",
        f"      {finding.detail}",
        f"      affects: {finding.affects}",
    ]
    if finding.remedy:
        lines += ["      to mend:", *(f"        {step}" for step in finding.remedy)]
    return lines
