"""The shared parts of doctor's tests: made-up machines and their users."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from agent.doctor.machine.user import User
from collectors.findings import Finding, Severity

Machine = Callable[[Mapping[str, str]], Path]

STRANGER = User("stranger", 4711, frozenset({4711}))
"""Somebody who owns nothing here."""

MYSELF = User("myself", os.geteuid(), frozenset({os.getegid()}))

LIMITS = """\
Limit                     Soft Limit           Hard Limit           Units
Max locked memory         {locked:<20} {locked:<20} bytes
Max realtime priority     {priority:<20} {priority:<20}
"""


def codes(found: Iterable[Finding]) -> list[str]:
    """The codes, in order."""
    return [finding.code for finding in found]


def severities(found: Iterable[Finding]) -> dict[str, Severity]:
    """The severity of each code."""
    return {finding.code: finding.severity for finding in found}


def process(pid: int, name: str, *, uid: int, command: str = "", limits: str = "") -> dict[str, str]:
    """The files of a process."""
    return {
        f"proc/{pid}/comm": f"{name}\n",
        f"proc/{pid}/cmdline": command.replace(" ", "\0") + "\0",
        f"proc/{pid}/status": f"Name:\t{name}\nUid:\t{uid}\t{uid}\t{uid}\t{uid}\nGid:\t{uid}\t{uid}\t{uid}\t{uid}\n"
        f"Groups:\t29 {uid}\n",
    } | ({f"proc/{pid}/limits": limits} if limits else {})
